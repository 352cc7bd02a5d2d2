import type { Channel, Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { CapacityOf } from "./capacity.ts";
import { Deliveries } from "./deliveries.ts";
import type { Offered } from "./local-channel.ts";
import { NamedChannel } from "./named-channel.ts";
import { Sweeper } from "./sweeper.ts";

/** What the receivers of named channels tell the layer that holds them. */
export interface NamedReceiversOwner {
  /** A receiver has ended. */
  receiverEnded(channel: string): void;
  /** A subscriber threw or rejected, which it must not. */
  subscriberFailed(thrown: unknown): void;
}

/** Those who receive named channels in this process: receivers of one channel share its messages. */
export class NamedReceivers {
  readonly #capacityOf: CapacityOf;
  readonly #owner: NamedReceiversOwner;
  readonly #channels = new Map<string, NamedChannel>();
  readonly #deliveries = new Deliveries();
  readonly #sweeper: Sweeper;
  readonly #channelOwner = {
    enter: (delivery: () => void): void => this.#deliveries.enter(delivery),
    messageWaits: (expiresAt: number): void => this.#sweeper.expect(expiresAt),
    channelUnused: ({ name }: NamedChannel): void => void this.#channels.delete(name),
    subscriberFailed: (thrown: unknown): void => this.#owner.subscriberFailed(thrown),
  };

  /** @param expiry is how long messages may wait, in milliseconds. */
  constructor(capacityOf: CapacityOf, expiry: number, owner: NamedReceiversOwner) {
    this.#capacityOf = capacityOf;
    this.#owner = owner;
    this.#sweeper = new Sweeper((now) => this.#sweep(now), Math.min(1000, expiry));
  }

  /** How many channels have receivers, or messages that wait. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Messages that wait or have not been handled. */
  get unsettled(): number {
    let unsettled = 0;
    for (const channel of this.#channels.values()) unsettled += channel.waiting + channel.unsettled;
    return unsettled;
  }

  receive(name: string, subscriber: Subscriber): Channel {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new NamedChannel(name, this.#capacityOf(name), this.#channelOwner);
      this.#channels.set(name, channel);
    }
    const receiver = channel.subscribe(subscriber);
    let open = true;
    return {
      name,
      close: () => {
        if (!open) return;
        open = false;
        void receiver.close();
        this.#owner.receiverEnded(name);
      },
    };
  }

  has(name: string): boolean {
    return this.#channels.has(name);
  }

  /** Hands a message to a receiver, or lets it wait for one. */
  offer(name: string, message: LayerMessage, expiresAt: number): Offered {
    const channel = this.#channels.get(name);
    if (channel === undefined) return "closed";
    let offered: Offered = "taken";
    this.#deliveries.enter(() => (offered = channel.offer(message, expiresAt)));
    return offered;
  }

  /** Drops what waits. */
  clear(): void {
    for (const channel of Array.from(this.#channels.values())) channel.clear();
    this.#sweeper.stop();
  }

  /** Ends all receivers. */
  close(): void {
    for (const channel of Array.from(this.#channels.values())) channel.close();
    this.#channels.clear();
    this.#sweeper.stop();
  }

  #sweep(now: number): number {
    let next = Infinity;
    for (const channel of Array.from(this.#channels.values())) next = Math.min(next, channel.expire(now));
    return next;
  }
}
