import { contest, formatMeasured, type Measured, type Task } from "../contest/contest.ts";
import { writeResults } from "../measure/results.ts";
import { channelsVersions, daphne, millrace, type ServerProgram, socketIo, uvicorn } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

/** Which servers are beside each other: like with like, by the kind of layer. Socket.IO has its adapter, which publishes. */
const fields: Readonly<Record<string, readonly ServerProgram[]>> = {
  "pub/sub": [millrace, socketIo, daphne, uvicorn],
  core: [millrace, daphne, uvicorn].map((program) => ({ ...program, layer: "redis+core" })),
};
const quickFields = { "pub/sub": [millrace, socketIo, daphne] };
const members = 1000;
const quickLoads = [8];
const fullLoads = [1, 8];

/** A room whose members are spread over the processes of a server, which a Redis connects. */
export async function redis({ quick }: ScenarioOptions): Promise<Results> {
  const effort = quick ? { rounds: 2, seconds: 0.7, warmUp: 1 } : { rounds: 5, seconds: 1.5, warmUp: 3 };
  console.log(`\n## Behind Redis: ${members.toLocaleString("en-US")} members in one room\n`);
  const versions = channelsVersions();
  console.log(
    `${Object.entries(versions)
      .map((version) => version.join(" "))
      .join(", ")}\n`,
  );
  const measured: Measured[] = [];
  for (const [layer, field] of Object.entries(quick ? quickFields : fields)) {
    const programs = available(field);
    const ofLayer: Measured[] = [];
    for (const processes of quick ? [4] : [1, 4]) {
      await using stage = await Stage.set({ programs, processes, redis: true });
      for (const window of quick ? quickLoads : fullLoads) {
        for (const size of window === 8 && !quick ? [64, 1024] : [64]) {
          const task = taskOf(layer, processes, window, size, quick);
          ofLayer.push(...(await contest(stage, programs, task, effort)));
        }
      }
    }
    console.log(`${formatMeasured(ofLayer)}\n`);
    measured.push(...ofLayer);
  }
  writeResults("redis", { quick, effort, versions, measured });
  return { redis: { measured } };
}

function taskOf(layer: string, processes: number, window: number, size: number, quick: boolean): Task {
  return {
    labels: { layer, processes: String(processes), size: `${size} B`, window: String(window) },
    window,
    size,
    entrance: { clients: members },
    ...(quick || window !== 8 ? {} : { steadyAsHalfOf: daphne }),
  };
}
