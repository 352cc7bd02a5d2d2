import type { Interval } from "./exchange.ts";
import type { Sent, Stay } from "./room-client.ts";

/** A fault, and the time in which messages are counted to it. */
export interface Phase {
  readonly fault: string;
  readonly from: number;
  readonly to: number;
}

/** All that was sent and heard. */
export interface Account {
  readonly phases: readonly Phase[];
  readonly sent: readonly Sent[];
  readonly stays: readonly Stay[];
}

/** What became of a message that a member did not hear. */
type Fate = "refused" | "unknown" | "told" | "killed" | "unexplained";

/** What became of the messages of one fault. But for `sent`, each pair of a message and a member counts. */
export interface Row extends Record<Fate, number> {
  readonly fault: string;
  /** How long it was until all was settled, in milliseconds. */
  readonly lasted: number;
  sent: number;
  due: number;
  delivered: number;
  duplicates: number;
  /** How long the intervals were together of which one member was told, at most, in milliseconds. */
  gap: number;
}

/**
 * Draws up the ledger: for each message, what became of it for each client that was a member when
 * it was sent. Unexplained is what did not arrive though nobody was told, and what arrived though
 * its sender was told that it was not sent.
 *
 * @param reports says whether the intervals that members were told count.
 */
export function drawUp({ phases, sent, stays }: Account, reports = true): readonly Row[] {
  const counts = new Map(stays.map((stay) => [stay, countsOf(stay.heard)]));
  const rooms = new Map<string, Stay[]>();
  for (const stay of stays) {
    const room = rooms.get(stay.room);
    if (room === undefined) rooms.set(stay.room, [stay]);
    else room.push(stay);
  }
  return phases.map((phase) => {
    const row = emptyRow(phase);
    for (const message of sent) {
      if (message.from < phase.from || message.from > phase.to) continue;
      row.sent++;
      const heardBy = new Set<string>();
      for (const stay of rooms.get(message.room) ?? []) {
        const times = counts.get(stay)?.get(message.id) ?? 0;
        // A client that came back must not hear again what it heard before.
        row.duplicates += Math.max(0, times - (heardBy.has(stay.client) ? 0 : 1));
        if (times > 0) heardBy.add(stay.client);
        if (stay.joined > message.from || stay.left < message.from) continue;
        row.due++;
        row[times > 0 ? "delivered" : fateOf(message, stay, reports)]++;
      }
      if (message.outcome === "refused") row.unexplained += heardBy.size;
    }
    for (const { told } of stays) row.gap = Math.max(row.gap, lengthOf(told, phase));
    return row;
  });
}

function fateOf(message: Sent, stay: Stay, reports: boolean): Fate {
  if (message.outcome === "refused" || message.outcome === "unknown") return message.outcome;
  // Redis had it at some time between its call and its answer.
  if (reports && stay.told.some(({ since, until }) => since <= message.to && message.from <= until)) return "told";
  return stay.killed || message.outcome === "unanswered" ? "killed" : "unexplained";
}

/** How long the intervals are together that end in a phase. */
function lengthOf(told: readonly Interval[], { from, to }: Phase): number {
  let length = 0;
  let end = 0;
  for (const { since, until } of told.filter((interval) => interval.until >= from && interval.until <= to)) {
    length += Math.max(0, until - Math.max(since, end));
    end = Math.max(end, until);
  }
  return length;
}

function countsOf(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function emptyRow({ fault, from, to }: Phase): Row {
  const fates = { refused: 0, unknown: 0, told: 0, killed: 0, unexplained: 0 };
  return { fault, lasted: to - from, sent: 0, due: 0, delivered: 0, ...fates, duplicates: 0, gap: 0 };
}

/** The sum of one figure over all faults. */
export function sumOf(rows: readonly Row[], figure: "delivered" | "duplicates" | "unexplained"): number {
  return rows.reduce((sum, row) => sum + row[figure], 0);
}

const columns = ["lasted", "gap", "sent", "due", "delivered", "refused", "unknown", "told", "killed"] as const;

/** The ledger as a table for people. */
export function tableOf(title: string, rows: readonly Row[]): string {
  const figures = [...columns, "duplicates", "unexplained"] as const;
  const lines = [
    [title, ...figures],
    ...rows.map((row) => [row.fault, ...figures.map((figure) => String(row[figure]))]),
  ];
  const widths = [0, ...figures.keys()].map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const shown = lines.map(([name = "", ...cells]) =>
    [name.padEnd(widths[0] ?? 0), ...cells.map((cell, at) => cell.padStart(widths[at + 1] ?? 0))].join("  "),
  );
  return `${shown.join("\n")}\n`;
}
