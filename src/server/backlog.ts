/**
 * The frames that wait for a client which is behind, in the order of sending. A frame may have a key;
 * of all frames with one key only the last waits, at its own place: what was sent before it goes first.
 */
export class Backlog {
  // By key, or by number where there is none: what is set again stands last.
  readonly #frames = new Map<string | number, Buffer>();
  // It goes on where it was, over what was deleted; a new one would pass all of that again.
  #oldest = this.#frames.keys();
  #numbers = 0;
  #bytes = 0;

  /** How many frames wait. */
  get length(): number {
    return this.#frames.size;
  }

  /** How many bytes they have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many bytes the frame has that one with this key would replace; `undefined` if it would replace none. */
  sizeAt(key: string | undefined): number | undefined {
    return key === undefined ? undefined : this.#frames.get(key)?.length;
  }

  /** Adds a frame. `true` says that it replaced another. */
  push(frame: Buffer, key?: string): boolean {
    const replaces = key !== undefined && this.#delete(key);
    this.#frames.set(key ?? this.#numbers++, frame);
    this.#bytes += frame.length;
    return replaces;
  }

  /** Drops the oldest frame. */
  shift(): void {
    const { value, done = false } = this.#oldest.next();
    if (value !== undefined) this.#delete(value);
    // An iterator that has come to its end stays there.
    if (done) this.#oldest = this.#frames.keys();
  }

  /** Takes all frames out. */
  take(): Buffer[] {
    const frames = [...this.#frames.values()];
    this.#frames.clear();
    this.#oldest = this.#frames.keys();
    this.#bytes = 0;
    return frames;
  }

  #delete(key: string | number): boolean {
    const frame = this.#frames.get(key);
    if (frame === undefined) return false;
    this.#frames.delete(key);
    this.#bytes -= frame.length;
    return true;
  }
}
