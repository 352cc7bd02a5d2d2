import { contest, formatMeasured, type Measured } from "../contest/contest.ts";
import { writeResults } from "../measure/results.ts";
import { bun, millrace, type ServerProgram, ws } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

const members = 1000;
/** Each message is inflated by itself. */
const extensions = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** As `fan-out`, with messages that are compressed. */
export async function compressed({ quick }: ScenarioOptions): Promise<Results> {
  const effort = quick ? { rounds: 3, seconds: 0.7, warmUp: 1 } : { rounds: 7, seconds: 1, warmUp: 2 };
  const programs = available(field(quick));
  console.log(`\n## Compressed fan-out: ${members.toLocaleString("en-US")} members\n`);
  const measured: Measured[] = [];
  await using stage = await Stage.set({ programs });
  // The small ones are below the threshold, and come as they are.
  for (const [size, window] of quick
    ? [[1024, 8]]
    : [
        [1024, 1],
        [1024, 8],
        [64, 8],
      ]) {
    const labels = { members: members.toLocaleString("en-US"), size: `${size} B`, window: String(window) };
    const task = { labels, size: size ?? 0, window: window ?? 0, entrance: { clients: members, extensions } };
    measured.push(...(await contest(stage, programs, task, effort)));
  }
  console.log(`${formatMeasured(measured)}\n`);
  writeResults("compressed", { quick, effort, extensions, measured });
  return { compressed: { measured } };
}

/** Each with its defaults; and `ws` at the level that Millrace has. */
function field(quick: boolean): readonly ServerProgram[] {
  const fast = { ...ws, name: "ws, level 3", options: { perMessageDeflate: { zlibDeflateOptions: { level: 3 } } } };
  const ours = { ...millrace, options: { compression: true } };
  if (quick) return [ours, fast];
  return [
    ours,
    { ...ws, options: { perMessageDeflate: true } },
    fast,
    { ...bun, command: bun.command, options: { perMessageDeflate: true } },
  ];
}
