import type { Measured } from "../contest/contest.ts";
import { formatNumber } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import { formatIdle } from "./idle-connections.ts";
import type { Results } from "./results.ts";
import { formatStorm } from "./storms.ts";
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
  tables["targets"] = formatVerdicts(verdictsOn(results));
  return tables;
}

/** A row for each task: what a delivery takes on each server, and the ratios of medians. */
function serverTimes(measured: readonly Measured[]): string {
  return table(measured, "CPU µs", ({ sides }, name) => sides[name]?.serverTime.median);
}

/** A row for each task at a steady rate: p99 of each server. */
function latencies(measured: readonly Measured[]): string {
  return table(measured, "p99 ms", ({ sides }, name) => sides[name]?.p99);
}

function table(
  measured: readonly Measured[],
  unit: string,
  figure: (one: Measured, name: string) => number | undefined,
): string {
  const labels = [...new Set(measured.flatMap((one) => Object.keys(one.labels)))];
  const steady = measured.some(({ rate }) => rate !== undefined);
  const names = [...new Set(measured.flatMap(({ sides }) => Object.keys(sides)))];
  const header = [...labels, ...(steady ? ["messages/s"] : []), ...names.map((name) => `${name}, ${unit}`)];
  const rows = measured.map((one) => [
    ...labels.map((label) => one.labels[label] ?? ""),
    ...(one.rate === undefined ? [] : [formatNumber(one.rate)]),
    ...names.map((name) => {
      const found = figure(one, name);
      return found === undefined ? "" : formatNumber(found);
    }),
  ]);
  return formatTable(header, rows, labels.length);
}
