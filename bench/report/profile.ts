import { formatNumber } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";
import type { TopFunction } from "../profile/top-functions.ts";

/** What is written down: by the task, the functions that took most of the time themselves. */
export interface ProfileResults {
  readonly found: Readonly<Record<string, readonly TopFunction[]>>;
}

/** A row for each function. */
export function formatTop(name: string, top: readonly TopFunction[]): string {
  const rows = top.map((one) => [`\`${one.name}\``, `${formatNumber(one.share * 100)} %`]);
  return formatTable([name, "own time"], rows, 1);
}
