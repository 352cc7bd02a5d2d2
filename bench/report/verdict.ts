import { formatNumber, type Spread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import type { Results } from "./results.ts";
import { type Target, targets } from "./targets.ts";

/** What was found of a target. */
export interface Verdict extends Pick<Target, "what" | "beside"> {
  readonly wanted: string;
  readonly found: string;
  readonly met: boolean;
}

/** Says of each target that was looked for whether it is met: by the median, or where it says so at worst. */
export function verdictsOn(results: Results): readonly Verdict[] {
  return targets.flatMap((target) => {
    const found = target.find(results);
    return found === undefined ? [] : [verdictOn(target, found)];
  });
}

function verdictOn(target: Target, found: Spread): Verdict {
  const { what, beside, limit, sense, unit } = target;
  const format = unit === undefined ? formatRatio : (value: number) => `${formatNumber(value)} ${unit}`;
  const value = what.endsWith("at worst") ? found.max : found.median;
  return {
    what,
    beside,
    wanted: `${sense === "at most" ? "≤" : "≥"} ${format(limit)}`,
    found: [found.min, found.median, found.max].map(format).join(" – "),
    met: sense === "at most" ? value <= limit : value >= limit,
  };
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ what, beside, wanted, found, met }) => [
    what,
    beside,
    wanted,
    found,
    met ? "yes" : "no",
  ]);
  return formatTable(["target", "beside", "wanted", "found (least – median – most)", "met"], rows, 2);
}

/** `1/8` rather than 0.125. */
function formatRatio(ratio: number): string {
  return ratio < 2 / 3 ? `1/${formatNumber(1 / ratio)}` : formatNumber(ratio);
}
