/** Steps for each doubling: a value is known to within 1.1 %. */
const stepsPerDoubling = 64;
/** From 1 µs to more than a minute. */
const steps = stepsPerDoubling * 26;

/**
 * Latencies, counted by size. Samples of several runs are merged by adding the counts: percentiles
 * must not be averaged.
 */
export class Latencies {
  readonly #counts: number[];

  /** @param counts is what `toJSON` gave. */
  constructor(counts: readonly number[] = []) {
    this.#counts = Array.from({ length: steps }, (_, step) => counts[step] ?? 0);
  }

  /** @param milliseconds is counted as 1 µs when it is less. */
  add(milliseconds: number): void {
    const step = Math.floor(Math.log2(Math.max(milliseconds * 1000, 1)) * stepsPerDoubling);
    const kept = Math.min(step, steps - 1);
    this.#counts[kept] = (this.#counts[kept] ?? 0) + 1;
  }

  merge(others: Latencies): void {
    for (const [step, count] of others.#counts.entries()) this.#counts[step] = (this.#counts[step] ?? 0) + count;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The time that a share of all samples did not exceed, in milliseconds; `NaN` where there are none. */
  percentile(share: number): number {
    const wanted = this.count * share;
    let seen = 0;
    for (const [step, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= wanted) return 2 ** ((step + 1) / stepsPerDoubling) / 1000;
    }
    return Number.NaN;
  }

  toJSON(): readonly number[] {
    return this.#counts;
  }
}
