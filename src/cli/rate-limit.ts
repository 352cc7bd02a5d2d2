/**
 * Lets so many things of a kind through in a second. What is held back is counted, and told at the
 * second's end.
 */
export class RateLimit<Kind> {
  readonly #perSecond: number;
  readonly #onHeldBack: (kind: Kind, count: number) => void;
  readonly #seconds = new Map<Kind, { seen: number; readonly timer: NodeJS.Timeout }>();

  constructor(perSecond: number, onHeldBack: (kind: Kind, count: number) => void) {
    this.#perSecond = perSecond;
    this.#onHeldBack = onHeldBack;
  }

  /** Whether one more of the kind may pass. */
  allows(kind: Kind): boolean {
    let second = this.#seconds.get(kind);
    if (second === undefined) {
      const timer = setTimeout(() => this.#end(kind), 1000);
      timer.unref();
      second = { seen: 0, timer };
      this.#seconds.set(kind, second);
    }
    second.seen++;
    return second.seen <= this.#perSecond;
  }

  /** Tells what is held back still. */
  close(): void {
    for (const [kind, { timer }] of this.#seconds) {
      clearTimeout(timer);
      this.#end(kind);
    }
  }

  #end(kind: Kind): void {
    const heldBack = (this.#seconds.get(kind)?.seen ?? 0) - this.#perSecond;
    this.#seconds.delete(kind);
    if (heldBack > 0) this.#onHeldBack(kind, heldBack);
  }
}
