import { CoreKeys } from "../layers/core-keys.ts";
import { recoverInflight } from "../layers/core-scripts.ts";
import type { JobKeys } from "../layers/job-keys.ts";
import type { JobSite } from "../layers/job-site.ts";
import { reportExpired } from "../protocol/diagnostics.ts";
import type { Link } from "../redis/link.ts";
import type { Shards } from "../redis/shards.ts";
import type { Source } from "./bridge.ts";
import { moveOne, moveWaiting, notHeld, peekWaiting } from "./job-scripts.ts";

/** What moving queued messages needs. */
export interface QueuedSourceParts {
  readonly channel: string;
  readonly keys: JobKeys;
  readonly site: JobSite;
  readonly links: Shards<Link>;
  /** For how long Python's messages are wanted, in milliseconds. */
  readonly expiry: number;
  /** Something failed of which no caller hears. */
  readonly failed: (thrown: unknown) => void;
}

/** How many messages are moved at once. */
const batchSize = 100;

/**
 * What Python's core layer puts on a channel's queue. It waits there, for as long as messages do.
 * On the host of the jobs a message is moved in one step. From another host it is copied first and
 * then removed: when the worker dies in between, it is moved twice.
 */
export class QueuedSource implements Source {
  readonly #parts: QueuedSourceParts;
  readonly #home: Link;
  readonly #queue: string;
  readonly #inflight: string;

  constructor(parts: QueuedSourceParts) {
    this.#parts = parts;
    this.#home = parts.links.for(parts.channel);
    const keys = new CoreKeys(parts.site.prefix);
    this.#queue = keys.queue(parts.channel);
    this.#inflight = keys.inflight(parts.channel);
  }

  /** Puts back what a worker of Python's had taken when it died. */
  async begin(): Promise<void> {
    await Promise.all(
      Array.from(this.#parts.links, (link) => recoverInflight.run(link, [this.#queue, this.#inflight])),
    );
  }

  async move(token: string): Promise<boolean> {
    if (await this.#moveHere(token)) return true;
    for (const link of this.#parts.links) {
      if (link !== this.#home && (await this.#moveFrom(link, token))) return true;
    }
    return false;
  }

  async end(): Promise<void> {}

  /** Says whether another worker has the right by now. */
  async #moveHere(token: string): Promise<boolean> {
    const { keys, site, expiry } = this.#parts;
    const places = [keys.bridge, keys.jobs, keys.aside, this.#queue];
    for (;;) {
      const wish = [token, site.capacity, expiry / 1000, batchSize];
      // What the script says that it gives.
      const [moved, old] = (await moveWaiting.runBuffer(this.#home, places, wish)) as readonly [
        number,
        readonly Buffer[],
      ];
      this.#tellExpired(old);
      if (moved === notHeld) return true;
      if (moved + old.length < batchSize) return false;
    }
  }

  async #moveFrom(link: Link, token: string): Promise<boolean> {
    const { keys, site, expiry } = this.#parts;
    const answer = await peekWaiting.runBuffer(link, [this.#queue], [expiry / 1000, batchSize]);
    // What the script says that it gives.
    const [waiting, old] = answer as readonly [readonly Buffer[], readonly Buffer[]];
    this.#tellExpired(old);
    for (const frame of waiting) {
      const moved = await moveOne.run(this.#home, [keys.bridge, keys.jobs, keys.aside], [token, frame, site.capacity]);
      if (moved === notHeld) return true;
      // The others wait until there is room.
      if (moved !== 1) return false;
      await link.call("ZREM", this.#queue, frame);
    }
    return false;
  }

  #tellExpired(frames: readonly Buffer[]): void {
    const { channel, site, failed } = this.#parts;
    for (const frame of frames) {
      try {
        reportExpired(channel, site.codec.decode(frame).message);
      } catch (error) {
        failed(error);
      }
    }
  }
}
