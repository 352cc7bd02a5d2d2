import type { Channel, Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { Group } from "./group.ts";

/** What became of a message that was offered to a channel. */
export type Offered = "taken" | "full" | "closed";

/** What a channel tells the layer that holds it. */
export interface ChannelOwner {
  channelEnded(channel: LocalChannel): void;
  /** A subscriber threw or rejected, which it must not. */
  subscriberFailed(thrown: unknown): void;
}

/**
 * A channel that one subscriber in this process receives. It gets each message at once; those that
 * it has not settled count against the capacity.
 */
export class LocalChannel implements Channel {
  readonly name: string;
  readonly #subscriber: Subscriber;
  readonly #capacity: number;
  readonly #owner: ChannelOwner;
  #unsettled = 0;
  #closed = false;
  #groups: Set<Group<LocalChannel>> | undefined;
  // Made for the first message that is not handled at once, and kept for all others.
  #onHandled: (() => void) | undefined;
  #onFailed: ((thrown: unknown) => void) | undefined;

  constructor(name: string, subscriber: Subscriber, capacity: number, owner: ChannelOwner) {
    this.name = name;
    this.#subscriber = subscriber;
    this.#capacity = capacity;
    this.#owner = owner;
  }

  get unsettled(): number {
    return this.#unsettled;
  }

  /** Whether it takes no more for now. */
  get full(): boolean {
    return this.#unsettled >= this.#capacity;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The groups that it is in. */
  get groups(): ReadonlySet<Group<LocalChannel>> {
    return this.#groups ?? noGroups;
  }

  join(group: Group<LocalChannel>): void {
    (this.#groups ??= new Set()).add(group);
  }

  leave(group: Group<LocalChannel>): void {
    this.#groups?.delete(group);
  }

  leaveAll(): void {
    this.#groups = undefined;
  }

  offer(message: LayerMessage, expiresAt: number): Offered {
    if (this.#closed) return "closed";
    if (this.full) return "full";
    try {
      const handled = this.#subscriber(message, expiresAt);
      if (handled !== undefined) this.#count(handled);
    } catch (thrown) {
      this.#owner.subscriberFailed(thrown);
    }
    return "taken";
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.channelEnded(this);
  }

  #count(handled: Promise<void>): void {
    this.#onHandled ??= () => void this.#unsettled--;
    this.#onFailed ??= (thrown) => {
      this.#unsettled--;
      this.#owner.subscriberFailed(thrown);
    };
    handled.then(this.#onHandled, this.#onFailed);
    this.#unsettled++;
  }
}

const noGroups: ReadonlySet<Group<LocalChannel>> = new Set();
