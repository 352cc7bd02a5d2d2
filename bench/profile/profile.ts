import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeResults } from "../measure/results.ts";
import { millrace, type ServerProgram } from "../processes/servers.ts";
import { formatTop } from "../report/profile.ts";
import type { Results } from "../report/results.ts";
import type { ScenarioOptions } from "../scenarios/scenario.ts";
import { Stage } from "../stage/stage.ts";
import { type CpuProfile, type Period, type TopFunction, topFunctions } from "./top-functions.ts";

/** What the server does while it is looked at. */
const tasks = [
  { name: "fan-out to 1,000, window 8", kind: "room", clients: 1000, window: 8 },
  { name: "fan-out to 1,000, window 1", kind: "room", clients: 1000, window: 1 },
  { name: "echo, window 16", kind: "echo", clients: 100, window: 16 },
  { name: "echo, window 1", kind: "echo", clients: 100, window: 1 },
  { name: "connection storm", kind: "storm", clients: 2500, window: 64 },
] as const;

type Task = (typeof tasks)[number];

/** Where the processor's time goes: the functions of the Millrace server that took most of it themselves. */
export async function profile({ quick }: ScenarioOptions): Promise<Results> {
  console.log("\n## Where Millrace's time goes: functions by their own time, of --cpu-prof\n");
  const found: Record<string, readonly TopFunction[]> = {};
  for (const task of tasks) {
    found[task.name] = await topOf(task, quick ? 1 : 4);
    console.log(`${formatTop(task.name, found[task.name] ?? [])}\n`);
  }
  writeResults("profile", { quick, found });
  return { profile: { found } };
}

async function topOf(task: Task, seconds: number): Promise<readonly TopFunction[]> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-profile-"));
  try {
    const flags = ["--cpu-prof", "--cpu-prof-interval", "200", "--cpu-prof-dir", folder];
    const program = { ...millrace, flags };
    await using stage = await Stage.set({ programs: [program] });
    const period = await periodOf(stage, program, task, seconds);
    await stage.stop(program);
    const [file = ""] = readdirSync(folder);
    // What Node writes.
    const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
    return topFunctions(profile, 12, period);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lets a server work, and tells when: first it has to get used to it. */
async function periodOf(stage: Stage, program: ServerProgram, task: Task, seconds: number): Promise<Period> {
  const { kind, clients, window } = task;
  if (kind !== "storm") {
    const path = kind === "echo" ? "/echo" : "/rooms/profile";
    await stage.enter(program, "all", { path, clients, marked: kind === "room" });
  }
  const run = async (length: number): Promise<void> => {
    if (kind !== "storm") await stage.run(program, "all", { kind, size: 64, window, seconds: length });
    else
      for (let time = 0; time < length; time++) await stage.storm(program, { path: "/echo", clients, atOnce: window });
  };
  await run(seconds / 2);
  const from = microseconds();
  await run(seconds);
  return { from, to: microseconds() };
}

function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
