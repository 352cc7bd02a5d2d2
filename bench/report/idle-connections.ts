import { formatNumber } from "../measure/spread.ts";
import { formatTable } from "../measure/table.ts";

/** What silent connections take of a server's memory. */
export interface Idle {
  /** Where they are: at `/echo`, or all in one room. */
  readonly where: string;
  readonly connections: number;
  /** Of each connection, in bytes, by the server's name. */
  readonly bytes: Readonly<Record<string, number>>;
}

/** What is written down. */
export interface IdleResults {
  readonly measured: readonly Idle[];
}

/** A row for each number of connections. */
export function formatIdle(measured: readonly Idle[]): string {
  const names = Object.keys(measured[0]?.bytes ?? {});
  const header = ["connections", "number", ...names.map((name) => `${name}, KB each`), "above ws, KB"];
  const rows = measured.map(({ where, connections, bytes }) => [
    where,
    connections.toLocaleString("en-US"),
    ...names.map((name) => formatNumber((bytes[name] ?? Number.NaN) / 1024)),
    formatNumber(((bytes["Millrace"] ?? Number.NaN) - (bytes["ws"] ?? Number.NaN)) / 1024),
  ]);
  return formatTable(header, rows, 1);
}
