import { crc32 } from "node:zlib";
import type { Popped } from "./core-pop.ts";

/** How many messages are remembered for certain; up to twice as many are. */
const remembered = 5000;

/**
 * The messages that were taken last. A Redis that was restarted from its disk, or a replica that
 * has become master, may not know yet that they were taken, and gives them once more.
 */
export class RecentlyTaken {
  #now = new Set<string>();
  #before = new Set<string>();

  /** Says whether a message is new, and remembers it. */
  isNew({ score, frame }: Popped): boolean {
    // No other message of this length and content has its score.
    const id = `${score} ${frame.length} ${crc32(frame)}`;
    if (this.#now.has(id) || this.#before.has(id)) return false;
    if (this.#now.size >= remembered) {
      this.#before = this.#now;
      this.#now = new Set();
    }
    this.#now.add(id);
    return true;
  }
}
