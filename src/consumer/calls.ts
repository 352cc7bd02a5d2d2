import { publish } from "../protocol/diagnostics.ts";
import type { Incoming } from "../protocol/events.ts";
import { isLayerEvent } from "../protocol/layer-events.ts";
import { markUnhandled } from "../protocol/unhandled.ts";
import {
  findHandler,
  findLayerHandler,
  type Handler,
  type HandlerClass,
  handlerName,
  whyUnhandled,
} from "./handlers.ts";
import type { ConsumerProtocol } from "./protocols.ts";
import { isThenable } from "./thenable.ts";

/** Goes on when an event's handler has ended. */
export type Settled = (event: Incoming) => void | Promise<void>;
/** Goes on when an event's handler has failed. */
export type Failed = (thrown: unknown, event: Incoming) => void | Promise<void>;

/** Who hears of what handlers throw. */
export interface CallsOwner {
  readonly failed: Failed;
}

const ended: Settled = () => {};

/** Finds a consumer's handlers, calls them, and knows which of them have not ended. */
export class Calls {
  readonly #consumer: object;
  readonly #class: HandlerClass;
  readonly #protocol: ConsumerProtocol;
  readonly #owner: CallsOwner;
  #oldest: Incoming | undefined;
  /** The other events that are being handled, the oldest first. Most consumers never have any. */
  #others: Set<Incoming> | undefined;

  constructor(consumer: object, handlers: HandlerClass, protocol: ConsumerProtocol, owner: CallsOwner) {
    this.#consumer = consumer;
    this.#class = handlers;
    this.#protocol = protocol;
    this.#owner = owner;
  }

  /** The event whose handler has been running for longest. */
  get oldest(): Incoming | undefined {
    return this.#oldest;
  }

  /** The handler of an event, of the transport or of the layer; a message without one is reported. */
  find(event: Incoming): Handler | undefined {
    // Few consumers want to hear of it, and those who don't need not be told that it was there.
    if (isLayerEvent(event)) return findLayerHandler(this.#class, event.type);
    const handler = this.findOwn(event) ?? findHandler(this.#class, event.type);
    if (handler === undefined) this.reportUnhandled(event);
    return handler;
  }

  /** The method for an event of the transport: `websocket.receive` gives `websocket_receive`. */
  findOwn(event: Incoming): Handler | undefined {
    if (!this.#protocol.events.has(event.type)) return undefined;
    // The framework's class for this protocol has a method for each of its events.
    const method = (this.#consumer as Record<string, unknown>)[handlerName(event.type)];
    return typeof method === "function" ? (method as Handler) : undefined;
  }

  /** Calls a handler. `undefined` means that it has ended; what it throws goes to the owner. */
  call(handler: Handler, event: Incoming): void | Promise<void> {
    let outcome: unknown;
    try {
      outcome = handler.call(this.#consumer, event);
      // To look at it runs code of the handler's, too.
      if (!isThenable(outcome)) return undefined;
    } catch (thrown) {
      return this.#owner.failed(thrown, event);
    }
    return this.follow(event, outcome);
  }

  /** Remembers an event while it is handled, so that a handler that does not end can be named. */
  follow(event: Incoming, outcome: PromiseLike<unknown>, settled = ended, failed?: Failed): Promise<void> {
    if (this.#oldest === undefined) this.#oldest = event;
    else (this.#others ??= new Set()).add(event);
    // One promise: this is done for every message whose handler is asynchronous.
    return Promise.resolve(outcome).then(
      () => {
        this.#forget(event);
        return settled(event);
      },
      (thrown: unknown) => {
        this.#forget(event);
        return failed === undefined ? this.#owner.failed(thrown, event) : failed(thrown, event);
      },
    );
  }

  #forget(event: Incoming): void {
    if (event !== this.#oldest) {
      this.#others?.delete(event);
      return;
    }
    this.#oldest = this.#others?.values().next().value;
    if (this.#oldest !== undefined) this.#others?.delete(this.#oldest);
  }

  /** Publishes that a message has no handler. */
  reportUnhandled(message: Incoming): void {
    const { type } = message;
    const reason = (): string => whyUnhandled(this.#class, type);
    markUnhandled(message, { kind: "no handler", reason });
    publish("millrace:consumer:unhandled", () => ({
      consumer: this.#class.name,
      type: String(type),
      reason: reason(),
    }));
  }
}
