import { type WheelItem, wheel } from "../flow/wheel.ts";
import { isLoss } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import { dropExpired } from "./core-scripts.ts";

/** How many messages are taken at once. */
const batchSize = 128;

/** What a watch needs of its layer. */
export interface WatchOwner {
  /** Nobody took a message in time, and now nobody can. */
  messageExpired(frame: Buffer, queue: string): void;
  failed(thrown: unknown): void;
}

/**
 * Looks after the queues to which this process sent: what nobody takes in time is taken off them
 * and told. A queue is watched until it is empty.
 */
export class ExpiryWatch {
  readonly #expiry: number;
  readonly #owner: WatchOwner;
  readonly #watched = new Map<Link, Map<string, WheelItem>>();
  #closed = false;

  /** @param expiry in milliseconds. */
  constructor(expiry: number, owner: WatchOwner) {
    this.#expiry = expiry;
    this.#owner = owner;
  }

  /** How many queues are watched. */
  get size(): number {
    let size = 0;
    for (const queues of this.#watched.values()) size += queues.size;
    return size;
  }

  /** A message was put on a queue. */
  add(link: Link, queue: string): void {
    if (this.#closed) return;
    let queues = this.#watched.get(link);
    if (queues === undefined) this.#watched.set(link, (queues = new Map<string, WheelItem>()));
    if (queues.has(queue)) return;
    const item: WheelItem = { due: 0, onDue: () => void this.#look(link, queue, item) };
    queues.set(queue, item);
    wheel.set(item, this.#expiry);
  }

  close(): void {
    this.#closed = true;
    for (const queues of this.#watched.values()) {
      for (const item of queues.values()) wheel.clear(item);
    }
    this.#watched.clear();
  }

  async #look(link: Link, queue: string, item: WheelItem): Promise<void> {
    let next = -1;
    try {
      next = await this.#drop(link, queue);
    } catch (error) {
      // Redis lets go of the queue a tenth of the time later.
      if (isLoss(error)) next = this.#expiry / 20;
      else if (!this.#closed) this.#owner.failed(error);
    }
    if (this.#closed) return;
    if (next >= 0) wheel.set(item, next);
    else this.#watched.get(link)?.delete(queue);
  }

  /** In how many milliseconds the next message is too old, or -1. */
  async #drop(link: Link, queue: string): Promise<number> {
    const answer = await dropExpired.runBuffer(link, [queue], [this.#expiry / 1000, batchSize]);
    // What the script says that it gives.
    const [frames, next] = answer as readonly [readonly Buffer[], number];
    for (const frame of frames) this.#owner.messageExpired(frame, queue);
    return next;
  }
}
