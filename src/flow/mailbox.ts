import { beginHandling, endHandling } from "./handling.ts";
import { Queue } from "./queue.ts";

/** Handles one event. A rejection is passed on to whoever pushed the event. */
export type Handle<E> = (event: E) => void | Promise<void>;

interface Waiting<E> {
  readonly event: E;
  readonly expiresAt: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Handles events one at a time, in the order in which they were pushed, from however many sources
 * they come. An event whose handler returns at once is handled before `push` returns and costs no
 * promise. A handler that pushes into its own mailbox is not entered again before it has ended.
 *
 * A mailbox has no bound of its own: each source bounds what it has pushed and not yet seen
 * settled.
 */
export class Mailbox<E> {
  readonly #handle: Handle<E>;
  readonly #onExpired: (event: E) => void;
  #concurrency = 1;
  #running = 0;
  #draining = false;
  // Made while events wait, because most mailboxes are empty most of the time.
  #queue: Queue<Waiting<E>> | undefined;

  /** @param onExpired hears of an event that is dropped because of its age. */
  constructor(handle: Handle<E>, onExpired: (event: E) => void = () => {}) {
    this.#handle = handle;
    this.#onExpired = onExpired;
  }

  /** How many handlers may run at once. Lowering it to 1 lets the next event wait for all others. @default 1 */
  get concurrency(): number {
    return this.#concurrency;
  }

  set concurrency(limit: number) {
    this.#concurrency = limit;
    this.#drain();
  }

  /** Whether nothing is being handled and nothing waits. */
  get idle(): boolean {
    return this.#running === 0 && this.waiting === 0;
  }

  /** How many events wait. */
  get waiting(): number {
    return this.#queue?.length ?? 0;
  }

  /**
   * Takes an event. `undefined` means handled; a promise settles when it is.
   *
   * @param expiresAt in milliseconds since 1970: an event that still waits then is dropped.
   */
  push(event: E, expiresAt = Infinity): void | Promise<void> {
    if (this.#running < this.#concurrency && this.waiting === 0) return this.#start(event);
    return new Promise((resolve, reject) => {
      (this.#queue ??= new Queue()).push({ event, expiresAt, resolve, reject });
    });
  }

  /** Drops what waits, and returns it; those who pushed it see it settled. */
  clear(): readonly E[] {
    const dropped: E[] = [];
    const queue = this.#queue;
    this.#queue = undefined;
    for (let next = queue?.shift(); next !== undefined; next = queue?.shift()) {
      dropped.push(next.event);
      next.resolve();
    }
    return dropped;
  }

  #start(event: E): void | Promise<void> {
    beginHandling();
    try {
      return this.#enter(event);
    } finally {
      // Also when the stack is exhausted: what waits for the end would wait for ever.
      endHandling();
    }
  }

  #enter(event: E): void | Promise<void> {
    this.#running++;
    let result: void | Promise<void>;
    try {
      result = this.#handle(event);
    } catch (error) {
      this.#ended();
      return Promise.reject(error);
    }
    if (result === undefined) return this.#ended();
    // Less than `finally` costs, which makes promises of its own.
    return result.then(
      () => this.#ended(),
      (error: unknown) => {
        this.#ended();
        throw error;
      },
    );
  }

  #ended(): void {
    this.#running--;
    this.#drain();
  }

  #drain(): void {
    if (this.#draining || this.#queue === undefined) return;
    // A loop, not a recursion: many events that are handled at once must not deepen the stack.
    this.#draining = true;
    while (this.#running < this.#concurrency) {
      const next = this.#queue?.shift();
      if (next === undefined) break;
      this.#startWaiting(next);
    }
    this.#draining = false;
    if (this.#queue?.length === 0) this.#queue = undefined;
  }

  #startWaiting({ event, expiresAt, resolve, reject }: Waiting<E>): void {
    const settled = expiresAt > Date.now() ? this.#start(event) : this.#drop(event);
    if (settled === undefined) resolve();
    else settled.then(resolve, reject);
  }

  #drop(event: E): void | Promise<void> {
    try {
      this.#onExpired(event);
      return undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
