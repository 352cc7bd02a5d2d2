import type { LayerMessage } from "../protocol/message.ts";
import type { Job, JobState } from "../worker/job.ts";
import type { JobCounts } from "../worker/job-store.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { columns } from "./columns.ts";
import { printable } from "./terminal.ts";

/** How many jobs a channel has, in a line. */
export function countsText(channel: string, counts: JobCounts): string {
  const { waiting, running, retrying, aside, oldest } = counts;
  const age = waiting + running + retrying === 0 ? "" : `; the oldest was sent ${ageText(oldest)} ago`;
  return `${channel}: ${waiting} waiting, ${running} running, ${retrying} to be tried again, ${aside} set aside${age}`;
}

/** That a channel has no jobs, because none are kept of it. @param known are the channels of which some are. */
export function unknownText(channel: string, known: readonly string[]): string {
  const others = known.length === 0 ? "" : ` Jobs are kept of ${known.map(printable).join(", ")}.`;
  const near = didYouMean(channel, known) || ".";
  return `No worker has served ${channel} yet, and messages to it are not kept for one${near}${others}`;
}

/** Jobs of one state, a row each. */
export function jobsTable(jobs: readonly Job[], state: JobState, counts: JobCounts): string {
  const head = ["ID", "TYPE", "SENT", "TRIED", lastColumns[state]];
  const rows = jobs.map((job) => [job.id, job.type ?? "?", timeText(job.sentAt), String(job.attempts), lastCell(job)]);
  const hidden = counts[state] - jobs.length;
  const more = hidden > 0 ? [`… and ${hidden} more: --limit ${counts[state]}`] : [];
  return [...columns([head, ...rows.map((row) => row.map(printable))]), ...more].join("\n");
}

const lastColumns: Readonly<Record<JobState, string>> = {
  waiting: "BYTES",
  running: "WORKER",
  retrying: "AGAIN AT, AFTER",
  aside: "WHY",
};

function lastCell({ state, bytes, worker = "", dueAt = 0, reason, error = "" }: Job): string {
  switch (state) {
    case "waiting":
      return String(bytes);
    case "running":
      return worker;
    case "retrying":
      return `${timeText(dueAt)} ${error}`;
    case "aside":
      return `${reason ?? ""}: ${error}`;
  }
}

/** One job with its message. */
export function jobText({ message, ...job }: Job & { readonly message?: LayerMessage }): string {
  const { dueAt, failedAt } = job;
  const rows: Array<[string, string]> = [
    ["id", job.id],
    ["state", job.state],
    ["sent", timeText(job.sentAt)],
    ["tried", String(job.attempts)],
    ...optional("worker", job.worker),
    ...optional("again at", dueAt === undefined ? undefined : timeText(dueAt)),
    ...optional("failed at", failedAt === undefined ? undefined : timeText(failedAt)),
    ...optional("reason", job.reason),
    ...optional("error", job.error),
    ["bytes", String(job.bytes)],
  ];
  const body = message === undefined ? "The message can't be read." : jsonText(message);
  return [...columns(rows.map((row) => row.map(printable))), "", body].join("\n");
}

/** JSON as a person reads it. Bytes are in Base64, and numbers that JSON can't hold are texts. */
export function jsonText(value: object): string {
  return JSON.stringify(value, asJson, 2);
}

function asJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return ArrayBuffer.isView(value)
    ? { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
    : value;
}

function optional(name: string, value: string | undefined): Array<[string, string]> {
  return value === undefined ? [] : [[name, value]];
}

/** In UTC, because several machines may tell of the same moment. */
function timeText(time: number): string {
  return new Date(time).toISOString().replace("T", " ").slice(0, 19);
}

function ageText(milliseconds: number): string {
  for (const [unit, length] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
  ] as const) {
    if (milliseconds >= length) return `${Math.floor(milliseconds / length)} ${unit}`;
  }
  return `${Math.floor(milliseconds / 1000)} s`;
}
