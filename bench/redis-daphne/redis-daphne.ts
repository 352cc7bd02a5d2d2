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
  readonly works: readonly Work[];
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  /** Before the first run, so that what runs often has been compiled. */
  readonly warmUp: number;
}

/** What both servers are given to do. */
interface Work {
  /** Of a message, in bytes. */
  readonly size: number;
  /** How many messages are on their way at once; `steady` are as many a second as Daphne can well do. */
  readonly load: number | "steady";
}

/** One piece of work, and what it came to. */
interface Measured extends Comparison {
  readonly layer: string;
  readonly processes: number;
  readonly size: number;
  /** `8 at once`, or `30/s`. */
  readonly load: string;
}

const layers = ["redis+pubsub", "redis+core"];
const processCounts = [1, 4];
const clients = 200;
/** Daphne's most with so many on their way at once is what the steady rate is a share of. */
const saturating = 8;
const steadyShare = 0.5;
const target = 20;

const quickPlan: Plan = {
  clients,
  works: [
    { size: 64, load: saturating },
    { size: 64, load: "steady" },
  ],
  rounds: 2,
  seconds: 0.7,
  warmUp: 2,
};
const fullPlan: Plan = {
  clients,
  works: [
    { size: 64, load: saturating },
    { size: 64, load: "steady" },
    { size: 64, load: 1 },
    { size: 1024, load: saturating },
  ],
  rounds: 5,
  seconds: 3,
  warmUp: 6,
};

/**
 * Prints the processor time for each delivered message and the latency, beside Channels on Daphne
 * with both layers of channels_redis.
 */
export async function redisDaphne({ quick }: { readonly quick: boolean }): Promise<void> {
  const versions = channelsVersions();
  if (versions === undefined) {
    throw new Error("Install python3-daphne and python3-channels-redis, or name an interpreter by MILLRACE_PYTHON");
  }
  const plan = quick ? quickPlan : fullPlan;
  console.log(`\n## ${plan.clients} clients in one room, beside Channels on Daphne\n`);
  console.log(
    `${Object.entries(versions)
      .map((version) => version.join(" "))
      .join(", ")}\n`,
  );
  const measured: Measured[] = [];
  for (const layer of layers) {
    for (const processes of processCounts) measured.push(...(await measure(layer, processes, plan)));
  }
  console.log(formatTable(sideHeader, measured.flatMap(sideRows), 5));
  console.log(`\nDaphne over Millrace, of each pair of runs (least–median–most):\n`);
  console.log(formatTable(ratioHeader, measured.map(ratioRow), 4));
  writeResults("redis-daphne", { versions, plan, measured });
}

async function measure(layer: string, processes: number, plan: Plan): Promise<readonly Measured[]> {
  await using stage = await Stage.set([millrace, daphne], layer, processes, plan.clients);
  const measured: Measured[] = [];
  let sustained = 0;
  for (const program of [millrace, daphne]) {
    await stage.run(program, { seconds: plan.warmUp, size: 64, window: saturating });
  }
  for (const { size, load } of plan.works) {
    const rate = load === "steady" ? sustained * steadyShare : undefined;
    const window = load === "steady" ? plan.clients : load;
    const comparison = await paired(stage, plan, { seconds: plan.seconds, size, window, rate });
    if (load === saturating) sustained = comparison.theirs.deliveries.median / plan.clients;
    const said = rate === undefined ? `${window} at once` : `${formatNumber(rate)}/s`;
    measured.push({ layer, processes, size, load: said, ...comparison });
    console.error(`${layer}, ${processes} × ${size} bytes, ${said}: ${formatSpread(comparison.timeRatio)} times less`);
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

const sideHeader = [
  "layer",
  "processes",
  "bytes",
  "messages",
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

const ratioHeader = ["layer", "processes", "bytes", "messages", "CPU", "p99", `CPU ≥ ${target}`];

function ratioRow(one: Measured): readonly string[] {
  const { timeRatio, p99Ratio } = one;
  return [...workOf(one), formatSpread(timeRatio), formatSpread(p99Ratio), timeRatio.median >= target ? "yes" : "no"];
}

function workOf({ layer, processes, size, load }: Measured): readonly string[] {
  return [layer, String(processes), String(size), load];
}
