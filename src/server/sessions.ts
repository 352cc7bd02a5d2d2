/** What a server serves, and must see ended before it has stopped. */
export interface Session {
  /** Whether the peer is gone and the application has been handed its last event. */
  readonly gone: boolean;
  /** Asks it to end. */
  stop(): void;
  /** Ends it now. */
  cut(): void;
}

/** A socket that is cut is gone within a few turns; this only keeps a stop from waiting for ever. */
const cutTurns = 1000;

/** All that a server serves at a time. */
export class Sessions {
  readonly #all = new Set<Session>();
  #stopping = false;
  #onEmpty: (() => void) | undefined;

  get size(): number {
    return this.#all.size;
  }

  /** Whether no more are wanted. */
  get stopping(): boolean {
    return this.#stopping;
  }

  add(session: Session): void {
    this.#all.add(session);
  }

  delete(session: Session): void {
    this.#all.delete(session);
    if (this.#all.size === 0) this.#onEmpty?.();
  }

  /**
   * Asks all to end, and cuts those that have not after so many milliseconds.
   *
   * @returns how many had to be cut.
   */
  async end(timeout: number): Promise<number> {
    this.#stopping = true;
    for (const session of Array.from(this.#all)) session.stop();
    if (this.#all.size === 0) return 0;
    await this.#empty(timeout);
    const left = Array.from(this.#all);
    for (const session of left) session.cut();
    for (let turns = 0; turns < cutTurns && left.some((session) => !session.gone); turns++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return left.length;
  }

  #empty(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
