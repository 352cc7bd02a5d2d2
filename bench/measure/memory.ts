import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** How often a process is asked to collect its garbage, and how long it may take each time, in milliseconds. */
const [times, patience] = [3, 400];

/** The resident memory in bytes of a process that has collected its garbage, which it does on `SIGUSR2`. */
export async function settledMemory(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    process.kill(pid, "SIGUSR2");
    await pause(patience);
    least = Math.min(least, residentMemory(pid));
  }
  return least;
}

/** The resident memory of a process, in bytes. */
export function residentMemory(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) * 1024;
}

/** How many files, and so connections, a process may have open. */
export function descriptorLimit(): number {
  const [, , hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
  return hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
}
