import { formatNumber, formatSpread, type Spread } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";

/** What a server did with those who came. */
export interface StormSide {
  /** Connects a second. */
  readonly rate: Spread;
  /** The server's processor time for a connect, in microseconds. */
  readonly serverTime: Spread;
  /** From the beginning of a connect until the client is in, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The share of one core that the load generator used. */
  readonly load: Spread;
}

/** What is written down. Servers are called by their names; ratios are of Millrace over each other. */
export interface StormResults {
  readonly sides: Readonly<Record<string, StormSide>>;
  readonly ratios: Readonly<Record<string, Pick<StormSide, "rate" | "serverTime">>>;
}

/** A row for each server. */
export function formatStorm({ sides, ratios }: StormResults): string {
  const header = [
    "server",
    "connects/s",
    "CPU µs/connect",
    "p50 ms",
    "p99 ms",
    "generator's CPU",
    "rate, Millrace over it",
    "CPU, Millrace over it",
  ];
  const rows = Object.entries(sides).map(([name, side]) => [
    name,
    formatSpread(side.rate),
    formatSpread(side.serverTime),
    formatNumber(side.p50),
    formatNumber(side.p99),
    `${formatNumber(side.load.median * 100)} %`,
    ...[ratios[name]?.rate, ratios[name]?.serverTime].map((ratio) => (ratio === undefined ? "" : formatSpread(ratio))),
  ]);
  return formatTable(header, rows, 1);
}
