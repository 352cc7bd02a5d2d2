import { contest, formatMeasured, type Measured, type Task } from "../contest/contest.ts";
import { writeResults } from "../measure/results.ts";
import { bun, millrace, socketIo, ws } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

interface Work {
  /** Of all rooms together. */
  readonly members: number;
  readonly rooms: number;
  readonly window: number;
  readonly size: number;
  readonly json: boolean;
}

const quickWorks: readonly Work[] = [1, 8].map((window) => ({
  members: 1000,
  rooms: 1,
  window,
  size: 64,
  json: false,
}));

/** All members of a room get what each of them sends. */
export async function fanOut({ quick }: ScenarioOptions): Promise<Results> {
  const effort = quick ? { rounds: 3, seconds: 0.5, warmUp: 1 } : { rounds: 7, seconds: 1, warmUp: 2 };
  console.log(`\n## Fan-out: all members of a room get each message\n`);
  const programs = available(quick ? [millrace, ws, bun] : [millrace, ws, bun, socketIo]);
  const measured: Measured[] = [];
  await using stage = await Stage.set({ programs });
  for (const work of quick ? quickWorks : fullWorks()) {
    // Socket.IO's messages are JSON as they are.
    const taking = work.json ? programs.filter((program) => program !== socketIo) : programs;
    measured.push(
      ...(await contest(
        stage,
        taking,
        taskOf(work, work.size === 64 && work.rooms === 1 && !work.json && (!quick || work.window === 1)),
        effort,
      )),
    );
  }
  console.log(`${formatMeasured(measured)}\n`);
  writeResults("fan-out", { quick, effort, measured });
  return { "fan-out": { measured } };
}

function taskOf({ members, rooms, window, size, json }: Work, steady: boolean): Task {
  return {
    labels: {
      members: members.toLocaleString("en-US"),
      rooms: String(rooms),
      size: `${size} B`,
      window: String(window),
      messages: json ? "JSON" : "text",
    },
    size,
    window,
    entrance: { clients: members, rooms, ...(json ? { dialect: "json" } : {}) },
    ...(steady ? { steadyAsHalfOf: ws } : {}),
  };
}

function fullWorks(): readonly Work[] {
  const works: Work[] = [];
  for (const members of [10, 1000, 10_000]) {
    for (const json of [false, true]) {
      for (const size of [64, 1024]) {
        for (const window of [1, 8]) works.push({ members, rooms: 1, window, size, json });
      }
    }
  }
  for (const rooms of [10, 100]) works.push({ members: 1000, rooms, window: 1, size: 64, json: false });
  return works;
}
