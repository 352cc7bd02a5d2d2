import { isLoss } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";

/** A message that was taken off a queue. */
export interface Popped {
  readonly frame: Buffer;
  /** As Redis has it, so that it can be put back. */
  readonly score: string;
  /** When it was sent, in milliseconds since 1970 by this process's clock. */
  readonly sentAt: number;
}

/** For how long a reader waits in Redis before it asks anew, in seconds. */
export const popTimeout = 2;

/** How many messages a process takes at once. */
const batchSize = 128;

/** What one reader takes over one link, with an account of how far it has come. */
export class Intake {
  readonly #link: Link;
  #takenUpTo: number;
  #astrayUntil = 0;

  /** @param takenUpTo says until when nothing was sent that the reader is to take. */
  constructor(link: Link, takenUpTo: number) {
    this.#link = link;
    this.#takenUpTo = takenUpTo;
  }

  /** All that was sent before this time has been taken, in milliseconds since 1970. */
  get takenUpTo(): number {
    return this.#takenUpTo;
  }

  /** Until when Redis may hand messages to waits of which the reader knows no more. */
  get astrayUntil(): number {
    return this.#astrayUntil;
  }

  /**
   * Waits for messages on a queue and takes the oldest. It ends early, with none, when something is
   * put under the key `wake`.
   *
   * @param seconds is how long it waits.
   * @param more is how many it takes beside the first.
   */
  async pop(queue: string, wake: string, seconds: number, more: number = batchSize): Promise<readonly Popped[]> {
    const asked = Date.now();
    const { up } = this.#link;
    // In one go: what stands behind a command that waits is carried out as soon as it has ended.
    const [first, others, time] = await Promise.allSettled([
      this.#link.callBuffer("BZPOPMIN", queue, wake, seconds),
      more > 0 ? this.#link.callBuffer("ZPOPMIN", queue, more) : [],
      this.#link.call("TIME"),
    ]);
    if (first.status === "rejected") {
      if (isLoss(first.reason)) this.#astrayUntil = (up ? asked : Date.now()) + seconds * 1000;
      throw first.reason;
    }
    const clock = clockOf(time, Date.now());
    const woken = Array.isArray(first.value) && String(first.value[0]) !== queue;
    const popped = Array.isArray(first.value) && !woken ? pairs(first.value.slice(1), clock) : [];
    // What came before the link was lost is delivered; the loss itself is heard of by the next call.
    if (others.status === "rejected" || !Array.isArray(others.value)) return popped;
    const beside = pairs(others.value, clock);
    popped.push(...beside);
    const last = popped.at(-1);
    if (last === undefined || beside.length < more) this.#takenUpTo = asked;
    // More may be left, and it was sent later; that is as sure as the clocks are when it is taken to be early.
    else this.#takenUpTo = Math.min(asked, Number(last.score) * 1000 + clockOf(time, asked));
    return popped;
  }
}

/** Takes the oldest message off a queue, if there is one. */
export async function popNow(link: Link, queue: string): Promise<Popped | undefined> {
  const [popped, time] = await Promise.allSettled([link.callBuffer("ZPOPMIN", queue), link.call("TIME")]);
  if (popped.status === "rejected") throw popped.reason;
  return Array.isArray(popped.value) ? pairs(popped.value, clockOf(time, Date.now()))[0] : undefined;
}

/**
 * How far this process's clock is ahead of Redis', in milliseconds; scores are of Redis' clock.
 *
 * @param then is what this process's clock showed when Redis told the time.
 */
function clockOf(time: PromiseSettledResult<unknown>, then: number): number {
  if (time.status === "rejected" || !Array.isArray(time.value)) return 0;
  const [seconds, microseconds] = time.value.map(Number);
  return then - ((seconds ?? 0) * 1000 + (microseconds ?? 0) / 1000);
}

/** @param answer is a flat list, or one of pairs, as Redis has it by the version of its protocol. */
function pairs(answer: readonly unknown[], clock: number): Popped[] {
  const flat: readonly unknown[] = answer.flat();
  const popped: Popped[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    // Redis answered with a member and its score, as bytes.
    const frame = flat[at] as Buffer;
    const score = String(flat[at + 1]);
    popped.push({ frame, score, sentAt: Number(score) * 1000 + clock });
  }
  return popped;
}
