import { Backoff } from "../flow/backoff.ts";
import { isLoss } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import { type Popped, popTimeout } from "./core-pop.ts";
import { RecentlyTaken } from "./core-recent.ts";
import type { Waiting } from "./core-waiting.ts";

/** What reads a queue in a loop until it is stopped, and what it needs. */
export interface ReaderOwner {
  /** Something failed of which no caller hears. */
  failed(thrown: unknown): void;
}

/** Waits between attempts that fail, for less long when it is told to stop. */
export class Retry {
  readonly #backoff = new Backoff(50, 2000);
  readonly #owner: ReaderOwner;
  #wake: (() => void) | undefined;

  constructor(owner: ReaderOwner) {
    this.#owner = owner;
  }

  succeeded(): void {
    this.#backoff.reset();
  }

  /**
   * Reports what nothing else tells, and waits.
   *
   * @param up says whether what the reader reads from is there: if not, the layer's condition tells of it.
   */
  async failed(error: unknown, up = true): Promise<void> {
    if (up && !isLoss(error)) this.#owner.failed(error);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#backoff.next());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  stop(): void {
    this.#wake?.();
  }
}

/** The links of a reader. */
export interface ReaderLinks {
  /** For nothing but this reader, which waits on it. */
  readonly waiting: Pick<Waiting, "up" | "close" | "pop">;
  /** For everything else on the same host. */
  readonly commands: Link;
}

/**
 * Closes the link of a reader, and ends the reader's wait in Redis: by something under the key
 * `wake`, which it takes in place of a message.
 */
export async function closeWaiting({ waiting, commands }: ReaderLinks, wake: string): Promise<void> {
  // Where the reader's link is down, it does not wait in Redis.
  const woken = waiting.up
    ? Promise.allSettled([commands.call("ZADD", wake, 0, "wake"), commands.call("EXPIRE", wake, 10 * popTimeout)])
    : undefined;
  await waiting.close();
  await woken;
}

/** Reads the queue of this process, which has no other reader. */
export class ProcessQueue {
  readonly #links: ReaderLinks;
  readonly #queue: string;
  readonly #wake: string;
  readonly #take: (popped: Popped) => void;
  readonly #retry: Retry;
  readonly #recent = new RecentlyTaken();
  #running: Promise<void> | undefined;
  #stopped = false;

  /** @param take hands one message over; it MUST NOT throw. */
  constructor(links: ReaderLinks, queue: string, wake: string, owner: ReaderOwner, take: (popped: Popped) => void) {
    this.#links = links;
    this.#queue = queue;
    this.#wake = wake;
    this.#take = take;
    this.#retry = new Retry(owner);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops, and deletes what nobody will read. */
  async close(): Promise<void> {
    const { commands } = this.#links;
    this.#stopped = true;
    this.#retry.stop();
    await closeWaiting(this.#links, this.#wake);
    await this.#running;
    if (commands.up) await Promise.allSettled([commands.call("DEL", this.#queue, this.#wake)]);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const batch = await this.#links.waiting.pop(this.#queue, this.#wake, popTimeout);
        for (const popped of batch) if (this.#recent.isNew(popped)) this.#take(popped);
        this.#retry.succeeded();
      } catch (error) {
        if (!this.#stopped) await this.#retry.failed(error, this.#links.waiting.up);
      }
    }
  }
}
