import { contest, formatMeasured, type Measured, type Task } from "../contest/contest.ts";
import { writeResults } from "../measure/results.ts";
import { bun, millrace, socketIo, ws } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

const clients = 100;
const quickWorks = [
  [64, 1],
  [64, 16],
] as const;
const fullWorks = [...quickWorks, [1024, 1], [1024, 16], [65_536, 1], [65_536, 16]] as const;

/** Each client gets back what it sends, with one message or several on their way. */
export async function echo({ quick }: ScenarioOptions): Promise<Results> {
  const programs = available(quick ? [millrace, ws, bun] : [millrace, ws, bun, socketIo]);
  const effort = quick ? { rounds: 3, seconds: 0.5, warmUp: 1 } : { rounds: 7, seconds: 1, warmUp: 2 };
  console.log(`\n## Echo: ${clients} clients\n`);
  const measured: Measured[] = [];
  await using stage = await Stage.set({ programs });
  for (const [size, window] of quick ? quickWorks : fullWorks) {
    const task: Task = {
      labels: { size: `${size} B`, window: String(window) },
      kind: "echo",
      size,
      window,
      entrance: { path: "/echo", clients, marked: false },
      ...(size > 64 || (quick && window > 1) ? {} : { steadyAsHalfOf: ws }),
    };
    measured.push(...(await contest(stage, programs, task, effort)));
  }
  console.log(`${formatMeasured(measured)}\n`);
  writeResults("echo", { quick, effort, measured });
  return { echo: { measured } };
}
