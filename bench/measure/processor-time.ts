import { readdirSync, readFileSync } from "node:fs";

/**
 * The processor time that processes have used since they started, with all their threads, in
 * microseconds. It is what `utime` and `stime` in `/proc/<pid>/stat` add up to; those are rounded
 * to 10 ms, so it is read from `schedstat`, in nanoseconds, where the kernel has it.
 */
export function processorTime(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) sum += timeOf(pid);
  return sum;
}

function timeOf(pid: number): number {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
    }
    return nanoseconds / 1000;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return roundedTimeOf(pid);
  }
}

const microsecondsPerTick = 10_000;

function roundedTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The second field is the program's name, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
