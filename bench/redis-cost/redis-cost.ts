import { writeResults } from "../measure/results.ts";
import { formatTable } from "../measure/table.ts";
import type { Results } from "../report/results.ts";
import type { ScenarioOptions } from "../scenarios/scenario.ts";
import { Site } from "./site.ts";
import { complaints, type Measured } from "./verdict.ts";

const layers = ["redis+pubsub", "redis+core"];
const processCounts = [1, 2, 4];
const memberCounts = [1, 100, 10_000];

/**
 * Prints what one `groupSend` costs in Redis, for few and for many members, in one process and in
 * several. The program fails when that is not constant in members and linear in processes.
 */
export async function redisCost({ quick }: ScenarioOptions): Promise<Results> {
  console.log("\n## Redis commands and bytes per groupSend\n");
  const measured: Measured[] = [];
  for (const layer of layers) {
    for (const processes of processCounts) {
      for (const members of memberCounts) measured.push(await measure(layer, processes, members, quick ? 20 : 100));
    }
  }
  console.log(formatTable(header, measured.map(rowOf), 1));
  console.log("\nCalls, those within scripts among them:\n");
  for (const layer of layers) {
    for (const processes of processCounts) console.log(callsOf(measured, layer, processes));
  }
  const wrong = complaints(measured);
  for (const complaint of wrong) console.log(`\nNOT AS PROMISED  ${complaint}`);
  if (wrong.length === 0) console.log("\nConstant in members, and linear in processes.");
  writeResults("redis-cost", { sends: measured, complaints: wrong });
  if (wrong.length > 0) process.exitCode = 1;
  return {};
}

const header = ["layer", "processes", "members", "commands", "bytes in", "bytes out"];

function rowOf({ layer, processes, members, commands, bytesIn, bytesOut }: Measured): readonly string[] {
  const figures = [processes, members, commands, bytesIn, bytesOut];
  return [layer, ...figures.map((figure) => figure.toLocaleString("en-US", { maximumFractionDigits: 1 }))];
}

async function measure(layer: string, processes: number, members: number, sends: number): Promise<Measured> {
  // A process without members costs nothing, so each has one at least.
  const spread = Math.max(members, processes);
  await using site = await Site.start(layer, processes, spread);
  return { layer, processes, members: spread, ...(await site.costOf(sends)) };
}

function callsOf(measured: readonly Measured[], layer: string, processes: number): string {
  const calls = measured.find((one) => one.layer === layer && one.processes === processes)?.calls ?? {};
  const list = Object.entries(calls).map(([name, count]) => `${count} ${name}`);
  return `- ${layer}, ${processes} ${processes === 1 ? "process" : "processes"}: ${list.join(", ")}`;
}
