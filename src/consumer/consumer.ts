import { type Application, asApplicationSymbol, type Receive } from "../protocol/application.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import type { Connection } from "../protocol/connection.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import type { Incoming, Outgoing } from "../protocol/events.ts";
import type { PathBound, PathParams, pathOf } from "../protocol/path-params.ts";
import { takesWholePath } from "../protocol/path-taking.ts";
import type { Scope } from "../protocol/scope.ts";
import { handlersOf, markFrameworkClass } from "./handlers.ts";
import { Lifetime } from "./lifetime.ts";
import { channelProtocol, type ConsumerProtocol } from "./protocols.ts";

/** Values for an instance's own fields: `ChatConsumer.asApplication({ greeting: "hello" })`. */
export type ConsumerInit<C> = Partial<Omit<C, keyof Consumer>> &
  Partial<Pick<Consumer, "groups" | "channelLayerAlias">>;

/** A class whose instances are consumers, with what it settles for all of them. */
export interface ConsumerClass<C extends Consumer = Consumer> {
  new (): C;
  readonly name: string;
  readonly prototype: C;
  readonly protocol: ConsumerProtocol;
  readonly concurrency: number;
  readonly grace: number;
  readonly handlers: Readonly<Record<string, string>>;
}

/** The connection for the instance that is being constructed, so that class fields can use it. */
let connecting: Connection | undefined;

function takeConnecting(): Connection | undefined {
  const taken = connecting;
  connecting = undefined;
  return taken;
}

/**
 * What handles the messages of one connection: one instance a connection, one event at a time, in
 * the order of arrival. A message of `type: "chat.message"` calls the method `chat_message`.
 *
 * Subclass it for background channels; sockets and requests have base classes of their own. Class
 * fields may use `this.scope` and `this.params`.
 *
 * @typeParam Path is the path that the class is written for: it gives `params` its type, and
 *   `path()` checks it.
 */
export class Consumer<Path extends string = string> implements PathBound<Path> {
  /** @internal */
  static readonly protocol: ConsumerProtocol = channelProtocol;
  /** How many events are handled at once. With more than 1, only `connect` and `disconnect` keep their places. */
  static readonly concurrency: number = 1;
  /** For how many milliseconds handlers may go on after the peer is gone. */
  static readonly grace: number = 10_000;
  /** Handlers that the naming rule does not find: a message's type and the method's name. */
  static readonly handlers: Readonly<Record<string, string>> = {};

  declare readonly [pathOf]?: Path;

  /** The groups that the consumer is in from before its first event until its end. */
  groups: readonly string[] = [];
  /** The alias of the layer that it uses. */
  channelLayerAlias = "default";

  readonly #connection: Connection | undefined = takeConnecting();
  #lifetime: Lifetime | undefined;

  /**
   * An application that makes a new instance for each connection. Routes take the class itself as
   * well; this is for giving values to an instance's fields.
   *
   * @throws MillraceError `ERR_INVALID_OPTION` when `init` names a method, or a static field of the
   *   class can't be used; `ERR_INVALID_HANDLER` for a wrong entry in `static handlers`.
   */
  static asApplication<C extends Consumer>(this: ConsumerClass<C>, init?: ConsumerInit<C>): Application {
    checkClass(this);
    checkInit(this, init);
    const application = takesWholePath<Application>((connection) => serve(this, connection, init));
    return describedBy(application, () => [{ protocol: undefined, pattern: "", target: this.name, consumer: this }]);
  }

  static [asApplicationSymbol](this: ConsumerClass): Application {
    return Consumer.asApplication.call(this);
  }

  /** @internal */
  static connect(consumer: Consumer, lifetime: Lifetime): void {
    consumer.#lifetime = lifetime;
  }

  /** What the consumer serves. */
  get scope(): Scope {
    return this.#connected().scope;
  }

  /** What the route captured by name. */
  get params(): PathParams<Path> {
    // The router captured them by the pattern that `path()` held against Path.
    return (this.scope["params"] ?? {}) as PathParams<Path>;
  }

  /**
   * The consumer's channel layer.
   *
   * @throws MillraceError `ERR_NO_CHANNEL_LAYER` when none is configured under its alias.
   */
  get channelLayer(): ChannelLayer {
    return this.#connected().layers.get(this.channelLayerAlias);
  }

  /** The name of the consumer's own channel, under which others can send to it alone. */
  get channelName(): string {
    const name = this.#lifetime?.channelName;
    if (name !== undefined) return name;
    if (this.#lifetime !== undefined) this.#connected().layers.get(this.channelLayerAlias);
    throw notConnected(this, "channelName");
  }

  /** Aborts when the session is over. Made when first asked for. */
  get signal(): AbortSignal {
    return this.#connected().signal;
  }

  /** Sends an event to the transport as it is. `false` says that the peer is behind, or gone. */
  sendEvent(event: Outgoing): boolean {
    if (this.#lifetime === undefined) throw notConnected(this, "sendEvent");
    return this.#lifetime.send(event);
  }

  /** Settles when the peer is no longer behind, or is gone. */
  drained(): Promise<void> {
    return this.#connected().drained();
  }

  /**
   * Hears of a handler's failure, once, before the peer is told and `disconnect` runs. It is
   * published as a diagnostic as well.
   */
  onError(_error: Error, _event: Incoming): void | Promise<void> {}

  /** Called when a background channel's consumer is stopped. */
  channel_disconnect(): void | Promise<void> {}

  #connected(): Connection {
    if (this.#connection === undefined) throw notConnected(this, "its connection");
    return this.#connection;
  }
}
markFrameworkClass(Consumer);

function serve<C extends Consumer>(
  consumerClass: ConsumerClass<C>,
  connection: Connection,
  init: ConsumerInit<C> | undefined,
): Receive {
  const { protocol } = consumerClass;
  if (connection.scope.type !== protocol.name) throw wrongProtocol(consumerClass, connection.scope);
  const consumer = construct(consumerClass, connection);
  if (init !== undefined) Object.assign(consumer, init);
  const lifetime = new Lifetime(consumer, consumerClass, protocol, connection);
  Consumer.connect(consumer, lifetime);
  return (event) => lifetime.receive(event);
}

/** A constructor that throws before its class fields are made leaves no connection behind. */
function construct<C extends Consumer>(consumerClass: ConsumerClass<C>, connection: Connection): C {
  connecting = connection;
  try {
    return new consumerClass();
  } finally {
    connecting = undefined;
  }
}

/** The longest time that a timer can be set to. */
const longestGrace = 2 ** 31 - 1;

function checkClass(consumerClass: ConsumerClass): void {
  const { name, concurrency, grace } = consumerClass;
  if (!(concurrency >= 1)) throw invalidStatic(`${name}.concurrency`, concurrency, "a number from 1 up");
  if (!(grace >= 0 && grace <= longestGrace)) {
    throw invalidStatic(`${name}.grace`, grace, `milliseconds from 0 to ${longestGrace}`);
  }
  handlersOf(consumerClass);
}

function invalidStatic(what: string, got: unknown, wanted: string): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened: `${what} can't be used`, got, wanted });
}

function checkInit(consumerClass: ConsumerClass, init: object = {}): void {
  for (const key of Object.keys(init)) {
    if (!(key in consumerClass.prototype)) continue;
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: `${consumerClass.name}.asApplication can't replace ${key}`,
      wanted: "values for fields; methods and accessors belong to the class",
    });
  }
}

function wrongProtocol(consumerClass: ConsumerClass, scope: Scope): MillraceError {
  return new MillraceError("ERR_WRONG_PROTOCOL", {
    happened: `${consumerClass.name} serves ${consumerClass.protocol.name}`,
    got: scope.type,
    remedy: "Put a ProtocolTypeRouter before it, or use another base class",
  });
}

function notConnected(consumer: Consumer, what: string): MillraceError {
  return new MillraceError("ERR_NO_CONNECTION", {
    happened: `${consumer.constructor.name} has no connection yet, and ${what} was used`,
    wanted: "a consumer that a transport or a communicator made, after its first event",
  });
}
