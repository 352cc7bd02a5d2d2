/** Those who were members at one moment. */
export interface Members<Local> {
  readonly local: readonly Local[];
  readonly named: readonly string[];
}

/** The members of one group: channels of this process, as long as they live, and names for a time. */
export class Group<Local> {
  readonly name: string;
  readonly #local = new Set<Local>();
  readonly #named = new Map<string, number>();
  // Kept until the membership changes, so that a message to many costs no copy of the list.
  #members: Members<Local> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#local.size + this.#named.size;
  }

  /** The members of this moment; what is added or removed later does not change them. */
  get members(): Members<Local> {
    this.#members ??= { local: [...this.#local], named: [...this.#named.keys()] };
    return this.#members;
  }

  get local(): Iterable<Local> {
    return this.#local;
  }

  add(channel: Local): void {
    if (this.#local.has(channel)) return;
    this.#local.add(channel);
    this.#members = undefined;
  }

  remove(channel: Local): void {
    if (this.#local.delete(channel)) this.#members = undefined;
  }

  /** Adds a named channel, or renews it. */
  addName(channel: string, expiresAt: number): void {
    // Put anew, so that the oldest comes first.
    if (!this.#named.delete(channel)) this.#members = undefined;
    this.#named.set(channel, expiresAt);
  }

  removeName(channel: string): void {
    if (this.#named.delete(channel)) this.#members = undefined;
  }

  /** Removes the names whose time is over, and says when the next one's is; `Infinity` for none. */
  expire(now: number): number {
    for (const [channel, expiresAt] of this.#named) {
      if (expiresAt > now) return expiresAt;
      this.removeName(channel);
    }
    return Infinity;
  }
}
