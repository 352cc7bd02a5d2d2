import { Queue } from "../flow/queue.ts";
import type { Channel, Subscriber } from "../protocol/channel-layer.ts";
import { reportExpired } from "../protocol/diagnostics.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { Offered } from "./local-channel.ts";

/** What a named channel needs of the layer that holds it. */
export interface NamedChannelOwner {
  /** Runs a delivery in its turn. */
  enter(delivery: () => void): void;
  /** A message waits, until a time. */
  messageWaits(expiresAt: number): void;
  /** Nobody receives the channel, and nothing waits on it. */
  channelUnused(channel: NamedChannel): void;
  /** A subscriber threw or rejected, which it must not. */
  subscriberFailed(thrown: unknown): void;
}

interface Waiting {
  readonly message: LayerMessage;
  readonly expiresAt: number;
}

/**
 * A channel that is received by its name. Messages wait on it for a receiver that is free; each
 * goes to the one that has been free for longest.
 */
export class NamedChannel {
  readonly name: string;
  readonly #capacity: number;
  readonly #owner: NamedChannelOwner;
  readonly #waiting = new Queue<Waiting>();
  readonly #receivers = new Set<Receiver>();
  readonly #free = new Set<Receiver>();

  constructor(name: string, capacity: number, owner: NamedChannelOwner) {
    this.name = name;
    this.#capacity = capacity;
    this.#owner = owner;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How many of its messages receivers have not settled. */
  get unsettled(): number {
    return this.#receivers.size - this.#free.size;
  }

  /** Takes a message to wait, or hands it to a receiver. It MUST be called as a delivery. */
  offer(message: LayerMessage, expiresAt: number): Offered {
    if (this.#waiting.length >= this.#capacity) this.#dropExpired(Date.now());
    if (this.#waiting.length >= this.#capacity) return "full";
    this.#waiting.push({ message, expiresAt });
    this.#handOver();
    if (this.#waiting.length > 0) this.#owner.messageWaits(expiresAt);
    else this.#releaseUnused();
    return "taken";
  }

  subscribe(subscriber: Subscriber): Channel {
    const receiver = new Receiver(this, subscriber);
    this.#receivers.add(receiver);
    this.#free.add(receiver);
    // Later, so that whoever subscribes holds the channel before its first message comes.
    if (this.#waiting.length > 0) void Promise.resolve().then(() => this.#owner.enter(() => this.#handOver()));
    return receiver;
  }

  unsubscribe(receiver: Receiver): void {
    this.#receivers.delete(receiver);
    this.#free.delete(receiver);
    this.#releaseUnused();
  }

  /** Ends it for all receivers. */
  close(): void {
    this.#receivers.clear();
    this.#free.clear();
    this.clear();
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting.clear();
    this.#releaseUnused();
  }

  /** Drops what has waited for too long, and says when the next has; `Infinity` when nothing waits. */
  expire(now: number): number {
    this.#dropExpired(now);
    this.#releaseUnused();
    return this.#waiting.peek()?.expiresAt ?? Infinity;
  }

  receiverFree(receiver: Receiver): void {
    if (!this.#receivers.has(receiver)) return;
    this.#free.add(receiver);
    if (this.#waiting.length > 0) this.#owner.enter(() => this.#handOver());
  }

  receiverFailed(thrown: unknown): void {
    this.#owner.subscriberFailed(thrown);
  }

  #handOver(): void {
    for (const receiver of this.#free) {
      const next = this.#nextFresh();
      if (next === undefined) return;
      this.#free.delete(receiver);
      // One that is done at once is added again at the end, where this loop comes to it.
      if (receiver.take(next.message, next.expiresAt) && this.#receivers.has(receiver)) this.#free.add(receiver);
    }
  }

  #nextFresh(): Waiting | undefined {
    if (this.#waiting.length > 0) this.#dropExpired(Date.now());
    return this.#waiting.shift();
  }

  #dropExpired(now: number): void {
    for (let next = this.#waiting.peek(); next !== undefined && next.expiresAt <= now; next = this.#waiting.peek()) {
      this.#waiting.shift();
      reportExpired(this.name, next.message);
    }
  }

  #releaseUnused(): void {
    if (this.#receivers.size === 0 && this.#waiting.length === 0) this.#owner.channelUnused(this);
  }
}

/** One of those who receive a named channel: it has one message at a time. */
class Receiver implements Channel {
  readonly #channel: NamedChannel;
  readonly #subscriber: Subscriber;

  constructor(channel: NamedChannel, subscriber: Subscriber) {
    this.#channel = channel;
    this.#subscriber = subscriber;
  }

  get name(): string {
    return this.#channel.name;
  }

  close(): void {
    this.#channel.unsubscribe(this);
  }

  /** Says whether it is free again at once. */
  take(message: LayerMessage, expiresAt: number): boolean {
    try {
      const handled = this.#subscriber(message, expiresAt);
      if (handled === undefined) return true;
      handled.then(
        () => this.#channel.receiverFree(this),
        (thrown: unknown) => {
          this.#channel.receiverFailed(thrown);
          this.#channel.receiverFree(this);
        },
      );
      return false;
    } catch (thrown) {
      this.#channel.receiverFailed(thrown);
      return true;
    }
  }
}
