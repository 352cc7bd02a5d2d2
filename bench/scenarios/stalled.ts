import { contest, formatMeasured, type Measured, type Task } from "../contest/contest.ts";
import { residentMemory } from "../measure/memory.ts";
import { writeResults } from "../measure/results.ts";
import { formatNumber } from "../measure/spread.ts";
import { millrace, type ServerProgram, ws } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { Stage } from "../stage/stage.ts";
import type { ScenarioOptions } from "./scenario.ts";

const members = 1000;
// The client that does not read is kept, which costs most.
const ours = { ...millrace, options: { outbound: { whenFull: "dropOldest" } } };
const [oursStalled, wsStalled] = [ours, ws].map((program) => ({ ...program, name: `${program.name}, one stalled` }));

/** A room of which one member has stopped reading, beside one where all read. */
export async function stalled({ quick }: ScenarioOptions): Promise<Results> {
  const effort = quick ? { rounds: 3, seconds: 0.7, warmUp: 1 } : { rounds: 7, seconds: 1, warmUp: 2 };
  console.log(`\n## One of ${members.toLocaleString("en-US")} members does not read\n`);
  const pairs = [[oursStalled, ours] as const, ...(quick ? [] : [[wsStalled, ws] as const])];
  const measured: Measured[] = [];
  const memory: Record<string, number> = {};
  for (const pair of pairs) {
    const programs = pair.filter((program) => program !== undefined);
    await using stage = await Stage.set({ programs });
    measured.push(...(await contest(stage, programs, taskOf(programs[1]), effort)));
    for (const program of programs) memory[program.name] = residentMemory(stage.pid(program)) / 2 ** 20;
  }
  for (const one of measured) console.log(`${formatMeasured([one])}\n`);
  for (const [name, megabytes] of Object.entries(memory))
    console.log(`${name}: ${formatNumber(megabytes)} MB in the end`);
  writeResults("stalled", { quick, effort, memory, measured });
  return { stalled: { measured } };
}

function taskOf(whole: ServerProgram | undefined): Task {
  return {
    labels: { members: members.toLocaleString("en-US"), size: "1024 B", window: "8" },
    size: 1024,
    window: 8,
    entrance: (program) => ({ clients: members, stalled: program === whole ? 0 : 1 }),
    ...(whole === undefined ? {} : { steadyAsHalfOf: whole }),
  };
}
