import { toError } from "../protocol/errors.ts";
import type { Connection } from "../protocol/connection.ts";
import { publish, reportExpired } from "../protocol/diagnostics.ts";
import type { Incoming, Outgoing } from "../protocol/events.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { markEnded } from "../protocol/unhandled.ts";
import { Mailbox } from "../flow/mailbox.ts";
import { Calls, type CallsOwner } from "./calls.ts";
import { type Control, controlOf, StopConsumer } from "./control.ts";
import { channelStaysOpen, checkGroups, Membership, reportLayer } from "./membership.ts";
import { Peer } from "./peer.ts";
import type { ConsumerProtocol } from "./protocols.ts";
import type { Served, ServedClass } from "./served.ts";
import { ignore, isThenable } from "./thenable.ts";

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
 * - From the end on, be it that the peer left or that a handler failed, nothing new is taken, and a
 *   handler that still runs has a grace. Then that is published, and the last handler runs beside it.
 *   The last handler has a grace, too; then the groups are left without it.
 */
export class Lifetime implements CallsOwner {
  readonly #consumer: Served;
  readonly #class: ServedClass;
  readonly #protocol: ConsumerProtocol;
  readonly #connection: Connection;
  readonly #peer: Peer;
  readonly #calls: Calls;
  readonly #mailbox: Mailbox<Incoming>;
  readonly #membership = new Membership();
  #phase: Phase = "new";
  /** The event whose handler is the last, once the end has come. What comes after it is not taken. */
  #last: Incoming | undefined;
  #lastFailure: Error | undefined;
  /** What runs beside the mailbox; `receive` hands it on, with its failure. */
  #beside: Promise<void> | undefined;
  #grace: NodeJS.Timeout | undefined;
  #settled = false;
  #over: Promise<void> | undefined;
  #onSettled: (() => void) | undefined;

  constructor(consumer: Served, servedClass: ServedClass, protocol: ConsumerProtocol, connection: Connection) {
    this.#consumer = consumer;
    this.#class = servedClass;
    this.#protocol = protocol;
    this.#connection = connection;
    this.#peer = new Peer(connection, protocol, servedClass.name);
    this.#calls = new Calls(consumer, servedClass, protocol, this);
    this.#mailbox = new Mailbox(
      (event) => this.#handle(event),
      // Only a layer gives its messages an age.
      (message) => reportExpired(this.#membership.channelName ?? "", message as LayerMessage),
    );
  }

  /** The name of the consumer's own channel, once it has one. */
  get channelName(): string | undefined {
    return this.#membership.channelName;
  }

  /** Sends to the peer. */
  send(event: Outgoing): boolean {
    // A message changes nothing in how far the peer has been answered.
    return event.type === "websocket.send" ? this.#connection.send(event) : this.#peer.send(event);
  }

  /** Takes an event of the transport; it is the consumer's `Receive`. */
  receive(event: Incoming): void | Promise<void> {
    if (event.type === this.#protocol.last) return this.#peerLeft(event);
    if (this.#last !== undefined) return void markEnded([event]);
    const handled = this.#mailbox.push(event);
    if (!this.#protocol.runsBeside(event)) return handled;
    return handled === undefined ? this.#beside : handled.then(() => this.#beside);
  }

  /** Takes a message of the layer. Its failure is told as any other, but not to the layer. */
  #deliver(message: LayerMessage, expiresAt: number): void | Promise<void> {
    if (this.#last !== undefined) return undefined;
    // In the mailbox nobody could tell it from the transport's own.
    if (this.#protocol.events.has(message.type)) return this.#calls.reportUnhandled(message);
    const handled = this.#mailbox.push(message, expiresAt);
    return handled === undefined ? undefined : handled.then(undefined, ignore);
  }

  #handle(event: Incoming): void | Promise<void> {
    if (event === this.#last) return this.#afterBeside(() => this.#finish(event));
    return this.#phase === "new" ? this.#open(event) : this.#dispatch(event);
  }

  #open(first: Incoming): void | Promise<void> {
    this.#phase = "opening";
    try {
      const joined = this.#join();
      if (joined === undefined) return this.#enter(first);
      return this.#calls.follow(
        first,
        joined,
        () => this.#enter(first),
        (thrown) =>
          this.#hasEnded() ? reportLayer(this.#consumer.channelLayerAlias, thrown) : this.#fail(thrown, first),
      );
    } catch (thrown) {
      return this.#fail(thrown, first);
    }
  }

  /** An application without layers does without, unless its consumer asks for one. */
  #join(): void | Promise<void> {
    const { layers } = this.#connection;
    const { channelLayerAlias, groups } = this.#consumer;
    checkGroups(groups);
    if (channelLayerAlias === "default" && groups.length === 0 && !layers.has("default")) return undefined;
    const layer = layers.get(channelLayerAlias);
    return this.#membership.open(layer, groups, (message, expiresAt) => this.#deliver(message, expiresAt));
  }

  #enter(first: Incoming): void | Promise<void> {
    if (this.#last !== undefined) return this.#release();
    this.#phase = "running";
    const handled = this.#dispatch(first);
    return handled === undefined ? this.#entered() : handled.then(() => this.#entered());
  }

  #entered(): void {
    if (this.#last === undefined) this.#mailbox.concurrency = this.#class.concurrency;
  }

  #dispatch(event: Incoming): void | Promise<void> {
    const handler = this.#calls.find(event);
    if (handler === undefined) return undefined;
    const handled = this.#calls.call(handler, event);
    if (!this.#protocol.runsBeside(event)) return handled;
    this.#beside = Promise.resolve(handled).then(() => this.#handledBeside(event));
    return undefined;
  }

  /** A handler has failed. After the last one there is nobody left to be told, and nothing to be ended. */
  failed(thrown: unknown, event: Incoming): void | Promise<void> {
    if (event !== this.#last) return this.#fail(thrown, event);
    if (controlOf(thrown) === undefined) this.#lastFailure = this.#tell(thrown, event);
    return undefined;
  }

  #handledBeside(event: Incoming): void | Promise<void> {
    if (this.#last !== undefined) return undefined;
    const unfinished = this.#peer.unfinished();
    return unfinished === undefined ? this.#endEarly(false) : this.#fail(unfinished, event);
  }

  /**
   * Ends the consumer after a handler threw. Rejects with the failure, unless it was a control, and
   * does not wait for the last handler to do so.
   */
  #fail(thrown: unknown, event: Incoming): void | Promise<void> {
    const control = controlOf(thrown);
    if (control !== undefined) return this.#steer(control, event);
    const error = this.#tell(thrown, event);
    if (!this.#isEnding()) {
      this.#peer.sendFailure();
      this.#endEarly(true);
    }
    return Promise.reject(error);
  }

  #steer(control: Control, event: Incoming): void | Promise<void> {
    if (!(control instanceof StopConsumer)) {
      try {
        return this.#peer.answer(control);
      } catch (thrown) {
        return this.#fail(thrown, event);
      }
    }
    if (this.#isEnding()) return undefined;
    this.#peer.sendStop();
    return this.#endEarly(false);
  }

  /**
   * Tells the consumer and the diagnostics. `onError` has its say, but can't make matters worse; it
   * is not called on a consumer that has ended.
   */
  #tell(thrown: unknown, event: Incoming): Error {
    const error = toError(thrown);
    const report = (failure: unknown): void => this.#peer.report(failure, event.type);
    try {
      const told: unknown = this.#hasEnded() ? undefined : this.#consumer.onError(error, event);
      if (isThenable(told)) Promise.resolve(told).catch(report);
    } catch (failure) {
      report(failure);
    }
    report(error);
    return error;
  }

  /** The peer is gone; what came before is still handled. Settles at the consumer's end. */
  #peerLeft(event: Incoming): void | Promise<void> {
    if (this.#settled) return undefined;
    if (this.#last === undefined) this.#end(event);
    if (this.#hasSettled()) return this.#outcome();
    this.#over ??= new Promise<void>((resolve) => (this.#onSettled = resolve)).then(() => this.#outcome());
    return this.#over;
  }

  /** Ends a consumer whose peer may still be there; what waits is dropped. */
  #endEarly(failed: boolean): void {
    markEnded(this.#mailbox.clear());
    // When the peer has left, too, its event waited and was dropped with the others.
    this.#end(this.#last ?? this.#protocol.farewell(failed));
  }

  /** Takes nothing new, and lets the last event in when nothing else is handled any more. */
  #end(last: Incoming): void {
    this.#last = last;
    this.#membership.stopJoining();
    this.#mailbox.concurrency = 1;
    void this.#mailbox.push(last);
    if (!this.#settled) this.#grace ??= this.#newGrace(last);
  }

  #newGrace(last: Incoming): NodeJS.Timeout {
    // A program that has closed its server need not stay for a handler that is stuck.
    return setTimeout(() => this.#graceOver(last), this.#class.grace).unref();
  }

  /** Goes on without what did not end in time: a handler, the last handler, or the channel. */
  #graceOver(last: Incoming): void {
    if (this.#hasEnded()) {
      reportLayer(this.#consumer.channelLayerAlias, channelStaysOpen(this.#class.grace));
      return this.#settle();
    }
    const stuck = this.#phase === "ending" ? last : (this.#calls.oldest ?? last);
    const dropped = markEnded(this.#mailbox.clear()).filter((event) => event !== last).length;
    publish("millrace:consumer:abandoned", () => ({ consumer: this.#class.name, event: stuck.type, dropped }));
    this.#grace = this.#newGrace(last);
    void (this.#phase === "running" ? this.#finish(last) : this.#release());
  }

  #finish(last: Incoming): void | Promise<void> {
    if (this.#isEnding()) return undefined;
    const handler = this.#phase === "running" ? this.#calls.findOwn(last) : undefined;
    this.#phase = "ending";
    if (handler === undefined) return this.#release();
    const handled = this.#calls.call(handler, last);
    return handled === undefined ? this.#release() : handled.then(() => this.#release());
  }

  #release(): void | Promise<void> {
    if (this.#phase === "ended") return undefined;
    this.#phase = "ended";
    markEnded(this.#mailbox.clear());
    const leaving = this.#membership.leave(this.#consumer.channelLayerAlias);
    return leaving === undefined ? this.#settle() : leaving.then(() => this.#settle());
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#onSettled?.();
  }

  #outcome(): void | Promise<void> {
    return this.#lastFailure === undefined ? undefined : Promise.reject(this.#lastFailure);
  }

  #afterBeside(then: () => void | Promise<void>): void | Promise<void> {
    return this.#beside === undefined ? then() : this.#beside.then(then, then);
  }

  // Asked after a call that may have changed the state: TypeScript takes it for what it was before.

  #isEnding(): boolean {
    return this.#phase === "ending" || this.#phase === "ended";
  }

  #hasEnded(): boolean {
    return this.#phase === "ended";
  }

  #hasSettled(): boolean {
    return this.#settled;
  }
}
