import { consistentHash } from "./consistent-hash.ts";

/** What exists once for each host, such as a link. */
interface Closable {
  close(): Promise<void>;
}

/** One thing for each host, found by the name of a channel or a group. */
export class Shards<T extends Closable> implements Iterable<T> {
  readonly #items: readonly T[];

  /** @param items one for each host, in the order of the hosts: the order is part of what processes agree on. */
  constructor(items: readonly T[]) {
    this.#items = items;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The one that has a name. */
  for(name: string): T {
    return this.at(consistentHash(name, this.#items.length));
  }

  at(index: number): T {
    const item = this.#items[index];
    if (item === undefined) throw new RangeError(`There are ${this.#items.length} hosts, and none is number ${index}`);
    return item;
  }

  /** Where a name is. */
  indexFor(name: string): number {
    return consistentHash(name, this.#items.length);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  async close(): Promise<void> {
    await Promise.all(this.#items.map((item) => item.close()));
  }
}
