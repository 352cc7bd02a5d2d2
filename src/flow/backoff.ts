/**
 * How long to wait before the next attempt: each time twice as long as the last, up to a limit,
 * and by chance up to a half less, so that many who failed together do not try together.
 */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #attempts = 0;

  /** @param first is the first wait and `longest` the longest one, in milliseconds. */
  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = Math.max(first, longest);
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const full = Math.min(this.#first * 2 ** this.#attempts, this.#longest);
    if (full < this.#longest) this.#attempts++;
    return full * (1 - Math.random() / 2);
  }

  /** Begins anew, because an attempt has succeeded. */
  reset(): void {
    this.#attempts = 0;
  }
}
