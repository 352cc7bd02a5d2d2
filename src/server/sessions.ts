/** What a server serves, and must see ended before it has stopped. */
export interface Session {
  /** Asks it to end. */
  stop(): void;
  /** Ends it now. */
  cut(): void;
}

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
