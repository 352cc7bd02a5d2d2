import { fileURLToPath } from "node:url";
import { descriptorLimit, settledMemory } from "../measure/memory.ts";
import { writeResults } from "../measure/results.ts";
import { formatNumber } from "../measure/spread.ts";
import { bun, millrace, type ServerProgram, socketIo, ws } from "../processes/servers.ts";
import { formatIdle, type Idle } from "../report/idle-connections.ts";
import type { Results } from "../report/results.ts";
import { type Entrance, Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

const collector = fileURLToPath(new URL("../processes/collect-garbage.js", import.meta.url));
/** Where connections may be. */
const rooms = { echo: "/echo", "one room": "/rooms/idle" };
/** Descriptors that a process needs for itself. */
const spare = 200;
/** How many clients come and go before, so that what is made for the first is not counted. */
const first = 500;

/** The resident memory of a server for each connection on which nothing happens. */
export async function idle({ quick }: ScenarioOptions): Promise<Results> {
  const programs = available(quick ? [millrace, ws] : [millrace, ws, bun, socketIo]).map(collecting);
  const limit = descriptorLimit();
  console.log(`\n## Idle connections\n\nA process may have ${limit.toLocaleString("en-US")} files open here.\n`);
  const wanted = quick ? [5000] : [10_000, 50_000];
  const counts = wanted.map((count) => Math.min(count, limit - spare));
  const measured: Idle[] = [];
  for (const [where, path] of Object.entries(quick ? { "one room": rooms["one room"] } : rooms)) {
    for (const connections of new Set(counts)) {
      const bytes: Record<string, number> = {};
      for (const program of programs) bytes[program.name] = await bytesOf(program, path, connections);
      measured.push({ where, connections, bytes });
      console.error(
        `${connections} at ${where}: ${Object.entries(bytes)
          .map(([name, some]) => `${name} ${formatNumber(some / 1024)} KB`)
          .join(", ")}`,
      );
    }
  }
  console.log(`${formatIdle(measured)}\n`);
  writeResults("idle", { quick, limit, measured });
  return { idle: { measured } };
}

async function bytesOf(program: ServerProgram, path: string, connections: number): Promise<number> {
  await using stage = await Stage.set({ programs: [program] });
  const pid = stage.pid(program);
  const entrance: Entrance = { path, clients: connections, marked: false };
  await stage.enter(program, "first", { ...entrance, clients: first });
  await stage.leave(program, "first");
  const before = await settledMemory(pid);
  await stage.enter(program, "idle", entrance);
  return ((await settledMemory(pid)) - before) / connections;
}

/** The same server, which collects its garbage when it is asked to. */
function collecting(program: ServerProgram): ServerProgram {
  const flags = program.name === bun.name ? ["--preload", collector] : ["--expose-gc", "--import", collector];
  return { ...program, flags, command: program.command };
}
