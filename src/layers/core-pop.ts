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

/**
 * Waits for messages on a queue and takes the oldest. It ends early, with none, when something is
 * put under the key `wake`.
 *
 * @param seconds is how long it waits.
 * @param more is how many it takes beside the first.
 */
export async function popWaiting(
  link: Link,
  queue: string,
  wake: string,
  seconds: number,
  more: number = batchSize,
): Promise<readonly Popped[]> {
  // In one go: what stands behind a command that waits is carried out as soon as it has ended.
  const [first, others, time] = await Promise.allSettled([
    link.callBuffer("BZPOPMIN", queue, wake, seconds),
    more > 0 ? link.callBuffer("ZPOPMIN", queue, more) : [],
    link.call("TIME"),
  ]);
  if (first.status === "rejected") throw first.reason;
  const clock = clockOf(time);
  const popped: Popped[] = [];
  if (Array.isArray(first.value) && String(first.value[0]) === queue)
    popped.push(...pairs(first.value.slice(1), clock));
  // What came before the link was lost is delivered; the loss itself is heard of by the next call.
  if (others.status === "fulfilled" && Array.isArray(others.value)) popped.push(...pairs(others.value, clock));
  return popped;
}

/** Takes the oldest message off a queue, if there is one. */
export async function popNow(link: Link, queue: string): Promise<Popped | undefined> {
  const [popped, time] = await Promise.allSettled([link.callBuffer("ZPOPMIN", queue), link.call("TIME")]);
  if (popped.status === "rejected") throw popped.reason;
  return Array.isArray(popped.value) ? pairs(popped.value, clockOf(time))[0] : undefined;
}

/** How far this process's clock is ahead of Redis', in milliseconds; scores are of Redis' clock. */
function clockOf(time: PromiseSettledResult<unknown>): number {
  if (time.status === "rejected" || !Array.isArray(time.value)) return 0;
  const [seconds, microseconds] = time.value.map(Number);
  return Date.now() - ((seconds ?? 0) * 1000 + (microseconds ?? 0) / 1000);
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
