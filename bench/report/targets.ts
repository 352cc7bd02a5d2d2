import type { Measured } from "../contest/contest.ts";
import { type Spread, spreadOf } from "../measure/spread.ts";
import type { Results, TaskResults } from "./results.ts";

/** What Millrace is to reach. */
export interface Target {
  readonly what: string;
  readonly beside: string;
  /** A limit of a ratio is one of Millrace's figure over the other's. */
  readonly limit: number;
  readonly sense: "at most" | "at least";
  /** @default "ratio" */
  readonly unit?: "KB";
  /** What was found; nothing where it was not looked for. */
  find(results: Results): Spread | undefined;
}

type Labels = Readonly<Record<string, string>>;

const room: Labels = { members: "1,000", rooms: "1", size: "64 B", messages: "text" };
const behindRedis: Labels = { processes: "4", size: "64 B" };

export const targets: readonly Target[] = [
  ...cpu("fan-out to 1,000, window 8, 64 B", "fan-out", { ...room, window: "8" }, { ws: 1 / 8, Bun: 1.6 }),
  ...cpu("fan-out to 1,000, window 1, 64 B", "fan-out", { ...room, window: "1" }, { ws: 0.75, Bun: 1.3 }),
  ...cpu("echo, window 16, 64 B", "echo", { size: "64 B", window: "16" }, { ws: 1 / 5, Bun: 2.5 }),
  ...cpu("echo, window 1, 64 B", "echo", { size: "64 B", window: "1" }, { ws: 1, Bun: 1.3 }),
  ...cpu(
    "compressed fan-out to 1,000, 1 KB",
    "compressed",
    { size: "1024 B", window: "8" },
    { ws: 1 / 10, "ws, level 3": 1 / 10 },
  ),
  p99("p99 of echoes at the same rate, at worst", "echo"),
  p99("p99 of fan-out at the same rate, at worst", "fan-out"),
  {
    what: "memory of an idle connection, above ws, at worst",
    beside: "ws",
    limit: 3,
    sense: "at most",
    unit: "KB",
    find: ({ idle }) =>
      idle &&
      spreadOf(
        idle.measured.map(({ bytes }) => ((bytes["Millrace"] ?? Number.NaN) - (bytes["ws"] ?? Number.NaN)) / 1024),
      ),
  },
  {
    what: "connects a second",
    beside: "ws",
    limit: 0.8,
    sense: "at least",
    find: ({ storm }) => storm?.ratios["ws"]?.rate,
  },
  {
    what: "CPU of a connect",
    beside: "ws",
    limit: 1 / 0.8,
    sense: "at most",
    find: ({ storm }) => storm?.ratios["ws"]?.serverTime,
  },
  ...[1, 8].flatMap((window) => {
    const load = { ...behindRedis, window: String(window) };
    return [
      ...cpu(
        `pub/sub on 4 processes, window ${window}`,
        "redis",
        { ...load, layer: "pub/sub" },
        { Daphne: 1 / 50, "Socket.IO": 1 / 2 },
      ),
      ...cpu(`core on 4 processes, window ${window}`, "redis", { ...load, layer: "core" }, { Daphne: 1 / 50 }),
    ];
  }),
];

/** Millrace's processor time for a delivery over that of others, at one task. */
function cpu(
  what: string,
  scenario: "echo" | "fan-out" | "compressed" | "redis",
  labels: Labels,
  limits: Readonly<Record<string, number>>,
): readonly Target[] {
  return Object.entries(limits).map(([beside, limit]) => ({
    what: `CPU: ${what}`,
    beside,
    limit,
    sense: "at most",
    find: (results) => taskOf(results[scenario], labels)?.ratios[beside]?.serverTime,
  }));
}

/** Millrace's p99 over that of `ws`, of all tasks that had a steady rate. */
function p99(what: string, scenario: "echo" | "fan-out"): Target {
  return {
    what,
    beside: "ws",
    limit: 1,
    sense: "at most",
    find: (results) => {
      const steady = results[scenario]?.measured.filter(({ rate }) => rate !== undefined) ?? [];
      const ratios = steady.map(
        ({ sides }) => (sides["Millrace"]?.p99 ?? Number.NaN) / (sides["ws"]?.p99 ?? Number.NaN),
      );
      return ratios.length === 0 ? undefined : spreadOf(ratios);
    },
  };
}

/** The task with these labels, as fast as it went. */
export function taskOf(results: TaskResults | undefined, labels: Labels): Measured | undefined {
  return results?.measured.find(
    (one) => one.rate === undefined && Object.entries(labels).every(([name, value]) => one.labels[name] === value),
  );
}
