import type { Measured } from "../contest/contest.ts";
import { formatNumber, formatSpread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import { formatIdle } from "./idle-connections.ts";
import { formatTop } from "./profile.ts";
import type { Results } from "./results.ts";
import { formatStorm } from "./storms.ts";
import { formatTried } from "./tricks.ts";
import { formatVerdicts, verdictsOn } from "./verdict.ts";

/** The tables of docs/performance.md by name, of all that was measured. */
export function docsTables(results: Results): Readonly<Record<string, string>> {
  const tables: Record<string, string> = {};
  for (const name of ["echo", "fan-out", "compressed", "stalled", "redis"] as const) {
    const { measured } = results[name] ?? { measured: [] };
    const fast = measured.filter(({ rate }) => rate === undefined);
    const steady = measured.filter(({ rate }) => rate !== undefined);
    if (fast.length > 0) tables[name] = serverTimes(fast);
    if (steady.length > 0) tables[`${name}-steady`] = latencies(steady);
  }
  if (results.storm !== undefined) tables["storm"] = formatStorm(results.storm);
  if (results.idle !== undefined) tables["idle"] = formatIdle(results.idle.measured);
  for (const [name, top] of Object.entries(results.profile?.found ?? {})) {
    tables[`profile: ${name}`] = formatTop(name, top.slice(0, 6));
  }
  if (results.micro !== undefined) tables["micro"] = formatTried(results.micro.tried);
  tables["targets"] = formatVerdicts(verdictsOn(results));
  return tables;
}

/** A row for each task: what a delivery takes on each server, and the first one's over each other's. */
function serverTimes(measured: readonly Measured[]): string {
  return table(measured, (name, first) => (name === first ? [name] : [name, `${first} / ${name}`]), timesOf);
}

function timesOf({ sides, ratios }: Measured, name: string): readonly string[] {
  const [side, ratio] = [sides[name], ratios[name]];
  const time = side === undefined ? "" : formatNumber(side.serverTime.median);
  return [time, ratio === undefined ? "" : formatSpread(ratio.serverTime)];
}

/** A row for each task at a steady rate: p50 and p99 of each server, and the first one's p99 over each other's, run by run. */
function latencies(measured: readonly Measured[]): string {
  return table(measured, latencyColumns, latenciesOf);
}

function latencyColumns(name: string, first: string): readonly string[] {
  return name === first ? [`${name} p50`, "p99"] : [`${name} p50`, "p99", `p99, ${first} / ${name}`];
}

function latenciesOf({ sides, ratios }: Measured, name: string): readonly string[] {
  const [side, ratio] = [sides[name], ratios[name]];
  const times = side === undefined ? ["", ""] : [formatNumber(side.p50), formatNumber(side.p99)];
  return [...times, ratio === undefined ? "" : formatSpread(ratio.p99)];
}

/** Columns for each server, which are called by `columns`, beside the labels of each task. */
function table(
  measured: readonly Measured[],
  columns: (name: string, first: string) => readonly string[],
  figures: (one: Measured, name: string) => readonly string[],
): string {
  const labels = [...new Set(measured.flatMap((one) => Object.keys(one.labels)))];
  const steady = measured.some(({ rate }) => rate !== undefined);
  const names = [...new Set(measured.flatMap(({ sides }) => Object.keys(sides)))];
  const [first = ""] = names;
  const header = [...labels, ...(steady ? ["messages/s"] : []), ...names.flatMap((name) => columns(name, first))];
  const rows = measured.map((one) => [
    ...labels.map((label) => one.labels[label] ?? ""),
    ...(one.rate === undefined ? [] : [formatNumber(one.rate)]),
    ...names.flatMap((name) => figures(one, name).slice(0, columns(name, first).length)),
  ]);
  return formatTable(header, rows, labels.length);
}
