import { pairedRuns } from "../measure/paired.ts";
import { writeResults } from "../measure/results.ts";
import { formatNumber, ratiosOf, spreadOf } from "../measure/spread.ts";
import type { Results } from "../report/results.ts";
import { formatTried, type Tried } from "../report/tricks.ts";
import type { ScenarioOptions } from "../scenarios/scenario.ts";
import { sharedCompression, sharedFrame, sharedJson } from "./frames.ts";
import { keptMembers, sealedOnce, synchronousMailbox } from "./handling.ts";
import { ownReading } from "./reading.ts";
import type { MakeTrick, Trick } from "./trick.ts";
import { oneWrite, sharedConcatenation } from "./writes.ts";

export const tricks: readonly MakeTrick[] = [
  ownReading,
  sharedFrame,
  sharedJson,
  sharedConcatenation,
  oneWrite,
  sharedCompression,
  synchronousMailbox,
  sealedOnce,
  keptMembers,
];

/** What each thing that the path does to be fast is worth. Says so when one is worth less than it was. */
export async function micro({ quick }: ScenarioOptions): Promise<Results> {
  const [rounds, time] = quick ? [5, 10_000] : [15, 50_000];
  console.log("\n## Tricks of the path, each by itself: processor time with and without\n");
  const tried: Tried[] = [];
  for (const make of tricks) tried.push(await tryOut(await make(), rounds, time));
  console.log(`${formatTried(tried)}\n`);
  for (const { name, ratio, limit } of tried.filter((one) => one.ratio.median > one.limit)) {
    console.log(`WORTH LESS THAN IT WAS  ${name}: ${formatNumber(ratio.median)}, not ${limit} or less`);
  }
  writeResults("micro", { quick, rounds, tried });
  return { micro: { tried } };
}

async function tryOut(trick: Trick, rounds: number, time: number): Promise<Tried> {
  const { name, otherwise, limit } = trick;
  const withIt = (): void | Promise<void> => trick.withIt();
  const without = (): void | Promise<void> => trick.without();
  const times = new Map<typeof withIt, number>();
  for (const way of [withIt, without]) times.set(way, await timesFor(way, time));
  const taken = await pairedRuns(rounds, [withIt, without], (way) => timeOf(way, times.get(way) ?? 1));
  trick.end?.();
  const [ones, others] = [taken.get(withIt) ?? [], taken.get(without) ?? []];
  return { name, otherwise, limit, withIt: spreadOf(ones), without: spreadOf(others), ratio: ratiosOf(ones, others) };
}

/** How often something is done in a time, once what runs often has been compiled. */
async function timesFor(way: () => void | Promise<void>, time: number): Promise<number> {
  for (let times = 1; ; times *= 2) {
    const taken = (await timeOf(way, times)) * times;
    if (taken > time) return times;
  }
}

/** The processor time that something takes, in microseconds. */
async function timeOf(way: () => void | Promise<void>, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await way();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}
