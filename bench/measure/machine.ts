import { spawnSync } from "node:child_process";
import { availableParallelism, loadavg, totalmem } from "node:os";

/** What was measured on, in terms that say nothing of whose machine it is. */
export interface Machine {
  readonly cores: number;
  readonly memory: string;
  readonly node: string;
  readonly redis: string;
  /** The load of the last minute: where it is far above the number of cores, others were at work. */
  readonly load: number;
}

export function describeMachine(): Machine {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return {
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.versions.node,
    redis: /v=(\S+)/.exec(stdout)?.[1] ?? "unknown",
    load: loadavg()[0] ?? 0,
  };
}

/** `2 cores, 8 GB, Node 20.20.2, Redis 7.0.15`. */
export function formatMachine({ cores, memory, node, redis }: Machine): string {
  return `${cores} cores, ${memory}, Node ${node}, Redis ${redis}`;
}
