import type { SendCost } from "./site.ts";

/** What a send cost with so many members in so many processes. */
export interface Measured extends SendCost {
  readonly layer: string;
  readonly processes: number;
  readonly members: number;
}

const figures = ["commands", "bytesIn", "bytesOut"] as const;

/**
 * Says where a cost does not stay the same for more members, or grows with processes by more than
 * the same for each. An empty list is what is promised.
 *
 * @param tolerance is the share by which costs that should be equal may differ: a probe of a
 *   connection may fall into a run.
 */
export function complaints(measured: readonly Measured[], tolerance = 0.05): readonly string[] {
  const layers = [...new Set(measured.map(({ layer }) => layer))];
  return layers.flatMap((layer) => {
    const own = measured.filter((one) => one.layer === layer);
    return figures.flatMap((figure) => [
      ...growthWithMembers(own, figure, tolerance),
      ...bendWithProcesses(own, figure, tolerance),
    ]);
  });
}

type Figure = (typeof figures)[number];

function growthWithMembers(measured: readonly Measured[], figure: Figure, tolerance: number): readonly string[] {
  return countsOfProcesses(measured).flatMap((processes) => {
    const costs = measured.filter((one) => one.processes === processes).map((one) => one[figure]);
    const [least, most] = [Math.min(...costs), Math.max(...costs)];
    if (most - least <= tolerance * most) return [];
    return [`${layerOf(measured)}, ${processes} processes: ${figure} go from ${least} to ${most} with members`];
  });
}

/** The step from the first count of processes to the second is what each further process may cost. */
function bendWithProcesses(measured: readonly Measured[], figure: Figure, tolerance: number): readonly string[] {
  const [first, second, ...others] = countsOfProcesses(measured);
  if (first === undefined || second === undefined) return [];
  const cost = (processes: number): number => meanCost(measured, processes, figure);
  const each = (cost(second) - cost(first)) / (second - first);
  return others.flatMap((processes) => {
    const expected = cost(first) + each * (processes - first);
    if (Math.abs(cost(processes) - expected) <= tolerance * expected) return [];
    const found = `${cost(processes)} and not ${expected}`;
    return [`${layerOf(measured)}: ${figure} with ${processes} processes are ${found}`];
  });
}

function meanCost(measured: readonly Measured[], processes: number, figure: Figure): number {
  const costs = measured.filter((one) => one.processes === processes).map((one) => one[figure]);
  return costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
}

function countsOfProcesses(measured: readonly Measured[]): readonly number[] {
  return [...new Set(measured.map(({ processes }) => processes))].toSorted((one, other) => one - other);
}

function layerOf(measured: readonly Measured[]): string {
  return measured[0]?.layer ?? "";
}
