import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The cores that this process may use, where programs can be held to some of them. */
const cores = canPin() ? allowedCores() : [];

/** What servers of one process run on: one core, and the load generator on another. */
export const serverCore: number | undefined = cores.length > 1 ? cores[0] : undefined;
export const loadCore: number | undefined = cores.length > 1 ? cores.at(-1) : undefined;

/** A command that holds a program to one core, or the program itself where none is named. */
export function pinned(
  core: number | undefined,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return core === undefined ? command : ["taskset", "--cpu-list", String(core), ...command];
}

function canPin(): boolean {
  return spawnSync("taskset", ["--version"]).status === 0;
}

function allowedCores(): readonly number[] {
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  return list.split(",").flatMap(coresOf);
}

/** `3` is a core, and `4-7` are four. */
export function coresOf(range: string): readonly number[] {
  const [first = Number.NaN, last = first] = range.split("-").map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
