import { formatNumber, formatSpread, type Spread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";

/** What came of one: processor times in microseconds, and their ratio. */
export interface Tried {
  readonly name: string;
  readonly otherwise: string;
  readonly limit: number;
  readonly withIt: Spread;
  readonly without: Spread;
  readonly ratio: Spread;
}

/** What is written down. */
export interface TrickResults {
  readonly tried: readonly Tried[];
}

/** A row for each trick. */
export function formatTried(tried: readonly Tried[]): string {
  const header = ["with", "otherwise", "with, µs", "otherwise, µs", "ratio"];
  const rows = tried.map(({ name, otherwise, withIt, without, ratio }) => [
    name,
    otherwise,
    formatNumber(withIt.median),
    formatNumber(without.median),
    formatSpread(ratio),
  ]);
  return formatTable(header, rows, 2);
}
