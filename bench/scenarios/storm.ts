import type { StormOutcome } from "../load/storm.ts";
import { Latencies } from "../measure/latencies.ts";
import { pairedRuns } from "../measure/paired.ts";
import { writeResults } from "../measure/results.ts";
import { ratiosOf, spreadOf } from "../measure/spread.ts";
import { bun, millrace, type ServerProgram, socketIo, ws } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";
import { formatStorm, type StormResults, type StormSide } from "../report/storms.ts";
import { Stage } from "../stage/stage.ts";
import { available, type ScenarioOptions } from "./scenario.ts";

const atOnce = 64;

/** As many connects as fast as they go. */
export async function storm({ quick }: ScenarioOptions): Promise<Results> {
  const programs = available(quick ? [millrace, ws, bun] : [millrace, ws, bun, socketIo]);
  const [rounds, clients] = quick ? [3, 1000] : [7, 2500];
  console.log(`\n## Connection storm: ${clients.toLocaleString("en-US")} clients, ${atOnce} of them at once\n`);
  await using stage = await Stage.set({ programs });
  const run = (program: ServerProgram): Promise<StormOutcome> =>
    stage.storm(program, { path: "/echo", clients, atOnce });
  for (const program of programs) await run(program);
  const outcomes = await pairedRuns(rounds, programs, run);
  const results = resultsOf(programs, outcomes);
  console.log(`${formatStorm(results)}\n`);
  writeResults("storm", { quick, rounds, clients, atOnce, ...results });
  return { storm: results };
}

function resultsOf(
  programs: readonly ServerProgram[],
  outcomes: ReadonlyMap<ServerProgram, readonly StormOutcome[]>,
): StormResults {
  const of = (program: ServerProgram): readonly StormOutcome[] => outcomes.get(program) ?? [];
  const ours = of(millrace);
  const others = programs.filter((program) => program !== millrace);
  return {
    sides: Object.fromEntries(programs.map((program) => [program.name, sideOf(of(program))])),
    ratios: Object.fromEntries(
      others.map((other) => [
        other.name,
        {
          rate: ratiosOf(ours.map(rateOf), of(other).map(rateOf)),
          serverTime: ratiosOf(ours.map(timeOf), of(other).map(timeOf)),
        },
      ]),
    ),
  };
}

function sideOf(outcomes: readonly StormOutcome[]): StormSide {
  const latencies = new Latencies();
  for (const outcome of outcomes) latencies.merge(new Latencies(outcome.latencies));
  return {
    rate: spreadOf(outcomes.map(rateOf)),
    serverTime: spreadOf(outcomes.map(timeOf)),
    p50: latencies.percentile(0.5),
    p99: latencies.percentile(0.99),
    load: spreadOf(outcomes.map(({ loadTime, seconds }) => loadTime / (seconds * 1e6))),
  };
}

function rateOf({ clients, seconds }: StormOutcome): number {
  return clients / seconds;
}

function timeOf({ clients, serverTime }: StormOutcome): number {
  return serverTime / clients;
}
