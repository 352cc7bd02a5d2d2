import type { Outcome, Traffic } from "../load/traffic.ts";
import { pairedRuns } from "../measure/paired.ts";
import { formatNumber, formatSpread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import type { ServerProgram } from "../processes/servers.ts";
import type { Entrance, Stage } from "../stage/stage.ts";
import { type Ratios, ratiosBetween, type Side, sideOf } from "./side.ts";

/** How often and how long something is measured. */
export interface Effort {
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
  /** Before the first run, so that what runs often has been compiled. */
  readonly warmUp: number;
}

/** What all servers are given to do. */
export interface Task extends Omit<Traffic, "seconds" | "rate"> {
  /** What tells it from the scenario's others: `1,000 members`, `64 B`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly entrance: Entrance | ((program: ServerProgram) => Entrance);
  /** The server at half of whose speed all are measured once more. @default none */
  readonly steadyAsHalfOf?: ServerProgram;
}

/** What a task came to. Servers are called by their names. */
export interface Measured {
  readonly labels: Readonly<Record<string, string>>;
  /** Messages a second, where they were sent at a steady rate. */
  readonly rate?: number;
  readonly sides: Readonly<Record<string, Side>>;
  /** Of the first server over each other. */
  readonly ratios: Readonly<Record<string, Ratios>>;
}

/** How many messages may be on their way at a steady rate, before others have to wait. */
const steadyWindow = 256;

/** Lets servers do the same in turn. The first is the one that the others are beside. */
export async function contest(
  stage: Stage,
  programs: readonly ServerProgram[],
  task: Task,
  effort: Effort,
): Promise<readonly Measured[]> {
  const { labels, entrance, steadyAsHalfOf, ...traffic } = task;
  const crowd = Object.values(labels).join(" ");
  for (const program of programs) {
    await stage.enter(program, crowd, typeof entrance === "function" ? entrance(program) : entrance);
  }
  const run = (program: ServerProgram, rate?: number, seconds = effort.seconds): Promise<Outcome> =>
    stage.run(program, crowd, {
      ...traffic,
      window: rate === undefined ? traffic.window : steadyWindow,
      seconds,
      rate,
    });
  for (const program of programs) await run(program, undefined, effort.warmUp);
  const outcomes = await pairedRuns(effort.rounds, programs, (program) => run(program));
  const measured = [measuredOf(labels, programs, outcomes)];
  // By name, because a scenario may have given it another layer.
  const slow = [...outcomes].find(([{ name }]) => name === steadyAsHalfOf?.name)?.[1];
  if (slow !== undefined) {
    const rate = slow.reduce((sum, { messages, seconds }) => sum + messages / seconds, 0) / slow.length / 2;
    const steady = await pairedRuns(effort.rounds, programs, (program) => run(program, rate));
    measured.push({ ...measuredOf(labels, programs, steady), rate });
  }
  for (const program of programs) await stage.leave(program, crowd);
  for (const one of measured) console.error(progressOf(one));
  return measured;
}

function measuredOf(
  labels: Task["labels"],
  programs: readonly ServerProgram[],
  outcomes: ReadonlyMap<ServerProgram, readonly Outcome[]>,
): Measured {
  const of = (program: ServerProgram): readonly Outcome[] => outcomes.get(program) ?? [];
  const [ours, ...others] = programs;
  if (ours === undefined) throw new Error("There is no server to measure");
  return {
    labels,
    sides: Object.fromEntries(programs.map((program) => [program.name, sideOf(of(program))])),
    ratios: Object.fromEntries(others.map((other) => [other.name, ratiosBetween(of(ours), of(other))])),
  };
}

/** One line for those who wait. */
function progressOf({ labels, rate, sides }: Measured): string {
  const times = Object.entries(sides).map(([name, side]) => `${name} ${formatNumber(side.serverTime.median)} µs`);
  return `${[...Object.values(labels), loadOf(rate)].join(", ")}: ${times.join(", ")}`;
}

function loadOf(rate: number | undefined): string {
  return rate === undefined ? "as fast as it goes" : `${formatNumber(rate)}/s`;
}

/** What a scenario of tasks prints: all that was measured, and what the first server took beside each other. */
export function formatMeasured(measured: readonly Measured[]): string {
  const [first = "", ...others] = Object.keys(measured[0]?.sides ?? {});
  const ratios = `${first} over ${others.join(", ")}, of each pair of runs (least–median–most):`;
  return [formatSides(measured), ratios, formatRatios(measured)].join("\n\n");
}

/** What each server did, a row for each. */
function formatSides(measured: readonly Measured[]): string {
  const labels = Object.keys(measured[0]?.labels ?? {});
  const compressed = measured.some(({ sides }) => Object.values(sides).some((side) => side.compressed > 0));
  const header = [
    ...labels,
    "load",
    "server",
    "CPU µs/delivery",
    "deliveries/s",
    "p50 ms",
    "p99 ms",
    "generator's CPU",
  ];
  const rows = measured.flatMap((one) =>
    Object.entries(one.sides).map(([name, side]) => [
      ...Object.values(one.labels),
      loadOf(one.rate),
      name,
      formatSpread(side.serverTime),
      formatNumber(side.deliveries.median),
      formatNumber(side.p50),
      formatNumber(side.p99),
      `${formatNumber(side.load.median * 100)} %`,
      ...(compressed ? [`${formatNumber(side.compressed * 100)} %`] : []),
    ]),
  );
  return formatTable(compressed ? [...header, "compressed"] : header, rows, labels.length + 2);
}

/** What the first server took beside each other, a row for each task. */
function formatRatios(measured: readonly Measured[]): string {
  const labels = Object.keys(measured[0]?.labels ?? {});
  const others = Object.keys(measured[0]?.ratios ?? {});
  const header = [...labels, "load", ...others.flatMap((name) => [`CPU / ${name}`, `p99 / ${name}`])];
  const rows = measured.map(({ labels, rate, ratios }) => [
    ...Object.values(labels),
    loadOf(rate),
    ...Object.values(ratios).flatMap(({ serverTime, p99 }) => [formatSpread(serverTime), formatSpread(p99)]),
  ]);
  return formatTable(header, rows, labels.length + 1);
}
