import type { Stay } from "./room-client.ts";
import type { LayerKind } from "./room-process.ts";

/**
 * The messages that members saw in another order than the layer promises: one and the same for all
 * members of a group on pub/sub, and for those of one process on core; that of its sender on both.
 */
export function disorderIn(kind: LayerKind, stays: readonly Stay[]): readonly string[] {
  const scopes = new Map<number, Array<readonly string[]>>();
  for (const { process, heard } of stays) {
    const scope = kind === "pubsub" ? 0 : process;
    scopes.set(scope, [...(scopes.get(scope) ?? []), heard]);
  }
  return [...[...scopes.values()].flatMap(circleIn), ...stays.flatMap(({ heard }) => overtakenIn(heard))];
}

/**
 * Whether there is one order with which all agree: each of the sequences leaves out what it likes,
 * but no two have two things the other way round. Gives the things that go in a circle, if any do.
 */
export function circleIn(sequences: ReadonlyArray<readonly string[]>): readonly string[] {
  const { before, after } = neighboursIn(sequences);
  const free = [...before].filter(([, count]) => count === 0).map(([item]) => item);
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    before.delete(next);
    for (const follower of after.get(next) ?? []) {
      const left = (before.get(follower) ?? 0) - 1;
      before.set(follower, left);
      if (left === 0) free.push(follower);
    }
  }
  return [...before.keys()];
}

/** For each thing, how many stand right before it somewhere, and which stand right after it. */
function neighboursIn(sequences: ReadonlyArray<readonly string[]>) {
  const before = new Map<string, number>();
  const after = new Map<string, Set<string>>();
  for (const sequence of sequences) {
    for (const [at, item] of sequence.entries()) {
      if (!before.has(item)) before.set(item, 0);
      const previous = sequence[at - 1];
      if (previous === undefined) continue;
      const followers = after.get(previous) ?? new Set<string>();
      after.set(previous, followers);
      if (!followers.has(item)) before.set(item, (before.get(item) ?? 0) + 1);
      followers.add(item);
    }
  }
  return { before, after };
}

/** The messages that came after a later one of their sender: an id is the sender's name and a number. */
function overtakenIn(ids: readonly string[]): readonly string[] {
  const last = new Map<string, number>();
  return ids.filter((id) => {
    const [sender = "", text] = id.split(".");
    const number = Number(text);
    const overtaken = number < (last.get(sender) ?? -1);
    if (!overtaken) last.set(sender, number);
    return overtaken;
  });
}
