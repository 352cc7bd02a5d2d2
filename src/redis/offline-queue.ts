import { Queue } from "../flow/queue.ts";

/** Something that waits for Redis. */
export interface Waiting {
  readonly bytes: number;
  /** Redis is there. */
  send(): void;
  /** Redis was not there in time, or will not be. */
  refuse(): void;
}

/** The bounds of an {@link OfflineQueue}; the time is in milliseconds. */
export interface OfflineBounds {
  readonly offlineTimeout: number;
  readonly offlineCommands: number;
  readonly offlineBytes: number;
}

/** What waits for Redis while it is away: so many, so large and for so long as its bounds allow. */
export class OfflineQueue {
  readonly #bounds: OfflineBounds;
  readonly #waiting = new Queue<{ readonly item: Waiting; readonly until: number }>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bounds: OfflineBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Takes one, unless a bound is reached. */
  push(item: Waiting): boolean {
    const { offlineTimeout, offlineCommands, offlineBytes } = this.#bounds;
    if (offlineTimeout === 0 || this.length >= offlineCommands || this.#bytes + item.bytes > offlineBytes) return false;
    this.#waiting.push({ item, until: performance.now() + offlineTimeout });
    this.#bytes += item.bytes;
    this.#timer ??= setTimeout(() => this.#expire(), offlineTimeout);
    return true;
  }

  /** Sends all that waits, in the order in which it came. */
  sendAll(): void {
    for (const item of this.#takeAll()) item.send();
  }

  /** Refuses all that waits. */
  refuseAll(): void {
    for (const item of this.#takeAll()) item.refuse();
  }

  #takeAll(): readonly Waiting[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items: Waiting[] = [];
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) items.push(next);
    return items;
  }

  #expire(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (next.until > now) {
        this.#timer = setTimeout(() => this.#expire(), next.until - now);
        return;
      }
      this.#shift()?.refuse();
    }
  }

  #shift(): Waiting | undefined {
    const item = this.#waiting.shift()?.item;
    if (item !== undefined) this.#bytes -= item.bytes;
    return item;
  }
}
