import { existsSync, readFileSync } from "node:fs";
import type { Measured } from "../contest/contest.ts";
import type { Machine } from "../measure/machine.ts";
import type { IdleResults } from "./idle-connections.ts";
import type { ProfileResults } from "./profile.ts";
import type { StormResults } from "./storms.ts";
import type { TrickResults } from "./tricks.ts";

/** What scenarios of tasks find. */
export interface TaskResults {
  readonly measured: readonly Measured[];
}

/** What was found, as far as it was looked for. */
export interface Results {
  readonly echo?: TaskResults;
  readonly "fan-out"?: TaskResults;
  readonly compressed?: TaskResults;
  readonly stalled?: TaskResults;
  readonly redis?: TaskResults;
  readonly storm?: StormResults;
  readonly idle?: IdleResults;
  readonly profile?: ProfileResults;
  readonly micro?: TrickResults;
}

/** What every file of results has. */
export interface Circumstances {
  readonly date: string;
  readonly machine: Machine;
  /** Whether it was but a look. */
  readonly quick?: boolean;
}

const names = ["echo", "fan-out", "compressed", "stalled", "redis", "storm", "idle", "profile", "micro"] as const;

/** What the last runs have written to `bench/results`. */
export function readResults(): Results {
  const results: Record<string, unknown> = {};
  for (const name of names) {
    const file = new URL(`../results/${name}.json`, import.meta.url);
    if (existsSync(file)) results[name] = JSON.parse(readFileSync(file, "utf8"));
  }
  return results;
}
