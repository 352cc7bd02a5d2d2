import { toError } from "../protocol/errors.ts";
import type { Channel, ChannelLayer } from "../protocol/channel-layer.ts";
import type { Connection } from "../protocol/connection.ts";
import { publish, reportError, reportExpired } from "../protocol/diagnostics.ts";
import type { Incoming, Outgoing } from "../protocol/events.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { Mailbox } from "../flow/mailbox.ts";
import { AcceptConnection, type Control, controlOf, DenyConnection } from "./control.ts";
import { findHandler, type Handler, type HandlerClass, handlerName } from "./handlers.ts";
import type { Answer, ConsumerProtocol } from "./protocols.ts";

/** What a lifetime drives: a consumer's instance, seen from within. */
export interface Served {
  readonly groups: readonly string[];
  readonly channelLayerAlias: string;
  onError(error: Error, event: Incoming): void | Promise<void>;
}

/** What a consumer's class settles for all of its instances. */
export interface ServedClass extends HandlerClass {
  /** How many events are handled at once after `connect`. */
  readonly concurrency: number;
  /** For how many milliseconds handlers may go on after the peer is gone. */
  readonly grace: number;
}

/**
 * - `new`: nothing is acquired yet.
 * - `opening`: it gets its channel and joins its groups.
 * - `running`: its first handler has been entered.
 * - `ending`: its last handler has been entered.
 * - `ended`: it holds nothing any more, and hears nothing.
 */
type Phase = "new" | "opening" | "running" | "ending" | "ended";

/**
 * The life of one consumer between its transport and its channel layer. It promises:
 *
 * - Nothing is acquired before the first event.
 * - Events of both sources are handled in the order of their arrival, one at a time unless the
 *   class asks for more; the first handler is entered first, and the last one last, once, if and
 *   only if the first was entered.
 * - A handler's failure is told to `onError` and published once; the peer is told, the last handler
 *   runs, and every group is left.
 * - When the peer is gone a handler that still runs has a grace; then the last handler runs beside
 *   it, groups are left, and that is published.
 */
export class Lifetime {
  readonly #consumer: Served;
  readonly #class: ServedClass;
  readonly #protocol: ConsumerProtocol;
  readonly #connection: Connection;
  readonly #mailbox: Mailbox<Incoming>;
  #phase: Phase = "new";
  #peerGone = false;
  #begun = false;
  #complete = false;
  #handling = "";
  #channel: Channel | undefined;
  #beside: Promise<void> | undefined;
  #lastFailure: Error | undefined;
  #over: Promise<void> | undefined;
  #onEnded: (() => void) | undefined;

  constructor(consumer: Served, servedClass: ServedClass, protocol: ConsumerProtocol, connection: Connection) {
    this.#consumer = consumer;
    this.#class = servedClass;
    this.#protocol = protocol;
    this.#connection = connection;
    this.#mailbox = new Mailbox(
      (event) => this.#handle(event),
      // Only a layer gives its messages an age.
      (message) => reportExpired(this.#channel?.name ?? "", message as LayerMessage),
    );
  }

  /** The name of the consumer's own channel, once it has one. */
  get channelName(): string | undefined {
    return this.#channel?.name;
  }

  /** Sends to the peer. */
  send(event: Outgoing): boolean {
    const sent = this.#connection.send(event);
    if (event.type === "websocket.accept" || event.type === "http.response.start") this.#begun = true;
    if (event.type === "http.response.body" && event.moreBody !== true) this.#complete = true;
    return sent;
  }

  /** Takes an event of the transport; it is the consumer's `Receive`. */
  receive(event: Incoming): void | Promise<void> {
    if (this.#phase === "ended") return undefined;
    if (event.type === this.#protocol.last) return this.#peerLeft(event);
    const handled = this.#mailbox.push(event);
    if (!this.#protocol.runsBeside(event)) return handled;
    return handled === undefined ? this.#beside : handled.then(() => this.#beside);
  }

  /** Takes a message of the layer. Its failure is told as any other, but not to the layer. */
  #deliver(message: LayerMessage, expiresAt: number): void | Promise<void> {
    if (this.#phase === "ended") return undefined;
    const handled = this.#mailbox.push(message, expiresAt);
    return handled === undefined ? undefined : handled.catch(() => {});
  }

  #handle(event: Incoming): void | Promise<void> {
    if (this.#phase === "ending" || this.#phase === "ended") return undefined;
    if (event.type === this.#protocol.last) return this.#afterBeside(() => this.#finish(event));
    this.#handling = event.type;
    if (this.#phase === "new") return this.#open(event);
    return this.#dispatch(event);
  }

  #open(first: Incoming): void | Promise<void> {
    this.#phase = "opening";
    try {
      const { groups } = this.#consumer;
      const layer = this.#findLayer();
      if (layer === undefined) return this.#enter(first);
      const channel = layer.newChannel((message, expiresAt) => this.#deliver(message, expiresAt));
      if (!(channel instanceof Promise) && groups.length === 0) {
        this.#channel = channel;
        return this.#enter(first);
      }
      return this.#join(layer, channel, groups).then(
        () => this.#enter(first),
        (error: unknown) => this.#fail(error, first),
      );
    } catch (error) {
      return this.#fail(error, first);
    }
  }

  /** The consumer's layer; an application without layers does without, unless it asks for one. */
  #findLayer(): ChannelLayer | undefined {
    const { layers } = this.#connection;
    const { channelLayerAlias, groups } = this.#consumer;
    const optional = channelLayerAlias === "default" && groups.length === 0;
    return optional && !layers.has(channelLayerAlias) ? undefined : layers.get(channelLayerAlias);
  }

  async #join(layer: ChannelLayer, pending: Channel | Promise<Channel>, groups: readonly string[]): Promise<void> {
    const channel = await pending;
    // The grace may have ended while the layer was slow; nobody else would close the channel then.
    if (this.#hasEnded()) return channel.close();
    this.#channel = channel;
    for (const group of groups) await layer.groupAdd(group, channel.name);
    return undefined;
  }

  #enter(first: Incoming): void | Promise<void> {
    if (this.#hasEnded()) return undefined;
    if (this.#peerGone) return this.#release();
    this.#phase = "running";
    const handled = this.#dispatch(first);
    if (handled === undefined) return this.#entered();
    return handled.then(() => this.#entered());
  }

  #entered(): void {
    if (!this.#peerGone) this.#mailbox.concurrency = this.#class.concurrency;
  }

  #dispatch(event: Incoming): void | Promise<void> {
    const handler = this.#transportHandler(event) ?? this.#layerHandler(event);
    if (handler === undefined) return undefined;
    const handled = this.#call(handler, event, (thrown) => this.#fail(thrown, event));
    if (!this.#protocol.runsBeside(event)) return handled;
    this.#beside = Promise.resolve(handled).then(() => this.#handledBeside(event));
    // Whoever awaits `receive` hears of the failure; this only keeps it from going unhandled.
    this.#beside.catch(() => {});
    return undefined;
  }

  #handledBeside(event: Incoming): void | Promise<void> {
    const unfinished = this.#peerGone || this.#hasEnded() ? undefined : this.#protocol.unfinished(this.#answer());
    return unfinished === undefined ? this.#endEarly(false) : this.#fail(unfinished, event);
  }

  /** The method for an event of the transport: `websocket.receive` gives `websocket_receive`. */
  #transportHandler(event: Incoming): Handler | undefined {
    if (typeof event.type !== "string" || !event.type.startsWith(`${this.#protocol.name}.`)) return undefined;
    // The framework's class for this protocol has a method for each of its events.
    const method = (this.#consumer as unknown as Record<string, unknown>)[handlerName(event.type)];
    return typeof method === "function" ? (method as Handler) : undefined;
  }

  #layerHandler(event: Incoming): Handler | undefined {
    const found = findHandler(this.#class, event.type);
    if ("handler" in found) return found.handler;
    const type = String(event.type);
    publish("millrace:consumer:unhandled", () => ({ consumer: this.#class.name, type, reason: found.reason }));
    return undefined;
  }

  #call(handler: Handler, event: Incoming, failed: (thrown: unknown) => void | Promise<void>): void | Promise<void> {
    let outcome: unknown;
    try {
      outcome = handler.call(this.#consumer, event);
    } catch (thrown) {
      return failed(thrown);
    }
    return isThenable(outcome) ? Promise.resolve(outcome).then(() => {}, failed) : undefined;
  }

  /**
   * Ends the consumer after a handler threw. Rejects with the failure, unless it was a control, and
   * does not wait for the last handler to do so.
   */
  #fail(thrown: unknown, event: Incoming): void | Promise<void> {
    const control = controlOf(thrown);
    if (control !== undefined) return this.#steer(control, event);
    const error = this.#tell(thrown, event);
    if (this.#phase === "ending" || this.#phase === "ended") return Promise.reject(error);
    this.#sendAll(this.#protocol.onFailure(this.#answer()));
    void this.#endEarly(true);
    return Promise.reject(error);
  }

  #steer(control: Control, event: Incoming): void | Promise<void> {
    try {
      if (control instanceof AcceptConnection) {
        const { subprotocol, headers } = control;
        this.send({ type: "websocket.accept", subprotocol, headers });
        return undefined;
      }
      if (control instanceof DenyConnection) {
        this.send({ type: "websocket.deny", ...control.denial });
        return undefined;
      }
    } catch (error) {
      return this.#fail(error, event);
    }
    if (this.#phase === "ending" || this.#phase === "ended") return undefined;
    this.#sendAll(this.#protocol.onStop(this.#answer()));
    return this.#endEarly(false);
  }

  /** Tells the consumer and the diagnostics. `onError` has its say, but can't make matters worse. */
  #tell(thrown: unknown, event: Incoming): Error {
    const error = toError(thrown);
    const report = (failure: unknown): void =>
      reportError(this.#connection.scope, toError(failure), event.type, this.#class.name);
    try {
      const told: unknown = this.#consumer.onError(error, event);
      if (isThenable(told)) Promise.resolve(told).catch(report);
    } catch (failure) {
      report(failure);
    }
    report(error);
    return error;
  }

  #sendAll(events: readonly Outgoing[]): void {
    try {
      for (const event of events) this.send(event);
    } catch (error) {
      reportError(this.#connection.scope, toError(error), "", this.#class.name);
    }
  }

  /**
   * The peer is gone: what came before is still handled, for as long as the grace lasts. Settles at
   * the consumer's end.
   */
  #peerLeft(event: Incoming): void | Promise<void> {
    if (this.#peerGone) return this.#over;
    this.#peerGone = true;
    this.#mailbox.concurrency = 1;
    // What fails in here is told by `#over`.
    if (this.#phase !== "ending") Promise.resolve(this.#mailbox.push(event)).catch(() => {});
    if (this.#hasEnded()) return this.#lastFailure === undefined ? undefined : Promise.reject(this.#lastFailure);
    const timer = setTimeout(() => this.#abandon(event), this.#class.grace);
    this.#over = new Promise((resolve, reject) => {
      this.#onEnded = () => {
        clearTimeout(timer);
        if (this.#lastFailure === undefined) resolve();
        else reject(this.#lastFailure);
      };
    });
    return this.#over;
  }

  #abandon(event: Incoming): void {
    const dropped = Math.max(0, this.#mailbox.clear() - 1);
    const stuck = this.#phase === "ending" ? event.type : this.#handling;
    publish("millrace:consumer:abandoned", () => ({ consumer: this.#class.name, event: stuck, dropped }));
    if (this.#phase === "running") void this.#finish(event);
    else void this.#release();
  }

  /** Ends a consumer whose peer may still be there. */
  #endEarly(failed: boolean): void | Promise<void> {
    this.#mailbox.clear();
    return this.#finish(this.#protocol.farewell(failed));
  }

  #finish(event: Incoming): void | Promise<void> {
    if (this.#phase === "ending" || this.#phase === "ended") return undefined;
    const entered = this.#phase === "running";
    this.#phase = "ending";
    const handler = entered ? this.#transportHandler(event) : undefined;
    if (handler === undefined) return this.#release();
    const handled = this.#call(handler, event, (thrown) => {
      if (controlOf(thrown) === undefined) this.#lastFailure = this.#tell(thrown, event);
    });
    return handled === undefined ? this.#release() : handled.then(() => this.#release());
  }

  #release(): void | Promise<void> {
    if (this.#phase === "ended") return undefined;
    this.#phase = "ended";
    this.#mailbox.clear();
    const closing = this.#closeChannel();
    if (closing === undefined) return this.#onEnded?.();
    return closing.then(() => this.#onEnded?.());
  }

  #closeChannel(): void | Promise<void> {
    const failed = (thrown: unknown): void =>
      publish("millrace:layer:error", () => ({ layer: this.#consumer.channelLayerAlias, error: toError(thrown) }));
    try {
      const closing = this.#channel?.close();
      return closing === undefined ? undefined : closing.catch(failed);
    } catch (thrown) {
      return failed(thrown);
    }
  }

  #afterBeside(then: () => void | Promise<void>): void | Promise<void> {
    return this.#beside === undefined ? then() : this.#beside.then(then, then);
  }

  #answer(): Answer {
    return { begun: this.#begun, complete: this.#complete };
  }

  /** Asked after every wait: TypeScript takes the phase for what it was before. */
  #hasEnded(): boolean {
    return this.#phase === "ended";
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
