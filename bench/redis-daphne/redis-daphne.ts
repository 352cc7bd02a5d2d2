import type { Traffic } from "../load/crowd.ts";
import { pairedRuns } from "../measure/paired.ts";
import { writeResults } from "../measure/results.ts";
import { formatNumber, formatSpread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import { channelsVersions, daphne, millrace } from "../processes/servers.ts";
import { compare, type Comparison, type Side } from "./comparison.ts";
import { Stage } from "./stage.ts";

/** What is measured, and for how long. */
interface Plan {
  readonly clients: number;
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  /** Before the first run, so that what runs often has been compiled. */
  readonly warmUp: number;
}

/** One piece of work, and what it came to. */
interface Measured extends Comparison {
  readonly layer: string;
  readonly processes: number;
  readonly size: number;
  /** Messages a second that were sent to the room; nothing where as many as possible were. */
  readonly rate: number | undefined;
}

const layers = ["redis+pubsub", "redis+core"];
const processCounts = [1, 4];
/** How many messages are on their way at once when as many as possible are sent. */
const window = 8;
/** The steady rate is that share of what Daphne can do. */
const steadyShare = 0.5;
/** By how much less processor time we promise to need for a delivery. */
const promisedRatio = 20;

/**
 * Prints the processor time for each delivered message and the latency, beside Channels on Daphne
 * with both layers of channels_redis. Gives whether what is promised was found.
 */
export async function redisDaphne({ quick }: { readonly quick: boolean }): Promise<boolean> {
  const versions = channelsVersions();
  if (versions === undefined)
    throw new Error("Install python3-daphne and python3-channels-redis, or set MILLRACE_PYTHON");
  const plan = quick
    ? { clients: 200, sizes: [64], rounds: 2, seconds: 1, warmUp: 1 }
    : { clients: 200, sizes: [64, 1024], rounds: 7, seconds: 4, warmUp: 3 };
  console.log(`\n## ${plan.clients} clients in one room, beside Channels on Daphne\n`);
  const measured: Measured[] = [];
  for (const layer of layers) {
    for (const processes of processCounts) measured.push(...(await measure(layer, processes, plan)));
  }
  console.log(formatTable(sideHeader, measured.flatMap(sideRows), 5));
  console.log(`\n${formatTable(ratioHeader, measured.map(ratioRow), 4)}`);
  writeResults("redis-daphne", { versions, plan, measured });
  return measured.every(keepsPromise);
}

async function measure(layer: string, processes: number, plan: Plan): Promise<readonly Measured[]> {
  await using stage = await Stage.set([millrace, daphne], layer, processes, plan.clients);
  const measured: Measured[] = [];
  for (const size of plan.sizes) {
    for (const program of [millrace, daphne]) await stage.run(program, { seconds: plan.warmUp, size, window });
    const atMost = await paired(stage, plan, { seconds: plan.seconds, size, window });
    const rate = (atMost.theirs.deliveries.median / plan.clients) * steadyShare;
    const steady = await paired(stage, plan, { seconds: plan.seconds, size, window: plan.clients, rate });
    measured.push({ layer, processes, size, rate: undefined, ...atMost }, { layer, processes, size, rate, ...steady });
  }
  return measured;
}

async function paired(stage: Stage, plan: Plan, traffic: Traffic): Promise<Comparison> {
  const { ones, others } = await pairedRuns(
    plan.rounds,
    () => stage.run(millrace, traffic),
    () => stage.run(daphne, traffic),
  );
  return compare(ones, others);
}

function keepsPromise({ timeRatio, p99Ratio }: Comparison): boolean {
  return timeRatio.median >= promisedRatio && p99Ratio.median >= 1;
}

const sideHeader = [
  "layer",
  "processes",
  "bytes",
  "messages/s",
  "server",
  "deliveries/s",
  "CPU µs/delivery",
  "Redis µs/delivery",
  "p50 ms",
  "p99 ms",
  "generator's CPU",
];

function sideRows(one: Measured): ReadonlyArray<readonly string[]> {
  const sides: ReadonlyArray<readonly [string, Side]> = [
    [millrace.name, one.ours],
    [daphne.name, one.theirs],
  ];
  return sides.map(([name, side]) => [
    ...workOf(one),
    name,
    formatNumber(side.deliveries.median),
    formatSpread(side.serverTime),
    formatNumber(side.redisTime.median),
    formatNumber(side.p50),
    formatNumber(side.p99),
    `${formatNumber(side.load.median * 100)} %`,
  ]);
}

const ratioHeader = ["layer", "processes", "bytes", "messages/s", "times less CPU", "p99 ratio", "as promised"];

function ratioRow(one: Measured): readonly string[] {
  const { timeRatio, p99Ratio } = one;
  return [...workOf(one), formatSpread(timeRatio), formatSpread(p99Ratio), keepsPromise(one) ? "yes" : "NO"];
}

function workOf({ layer, processes, size, rate }: Measured): readonly string[] {
  return [layer, String(processes), String(size), rate === undefined ? "at most" : formatNumber(rate)];
}
