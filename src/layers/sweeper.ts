/** The longest time that a timer of Node can wait, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * Lets go of what has grown old, by one timer for everything, and by none while there is nothing.
 * The timer does not keep the process alive.
 */
export class Sweeper {
  readonly #sweep: (now: number) => number;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;

  /**
   * @param sweep drops what is too old, and says when the next is; `Infinity` when nothing is left.
   * @param interval is the shortest time between two sweeps, in milliseconds.
   */
  constructor(sweep: (now: number) => number, interval: number) {
    this.#sweep = sweep;
    this.#interval = interval;
  }

  /** Says that something will be too old at a time, in milliseconds since 1970. */
  expect(deadline: number): void {
    if (deadline >= this.#due) return;
    this.stop();
    this.#due = deadline;
    this.#timer = setTimeout(() => this.#run(), Math.min(Math.max(0, deadline - Date.now()), longestTimer));
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Infinity;
  }

  #run(): void {
    this.stop();
    const now = Date.now();
    const next = this.#sweep(now);
    if (next !== Infinity) this.expect(Math.max(next, now + this.#interval));
  }
}
