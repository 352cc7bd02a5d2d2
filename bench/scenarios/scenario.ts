import type { ServerProgram } from "../processes/servers.ts";
import type { Results } from "../report/results.ts";

/** What a scenario is asked for. */
export interface ScenarioOptions {
  /** Whether a look is enough: less of everything. */
  readonly quick: boolean;
}

/** Measures something, prints it, writes it down, and gives it. */
export type Scenario = (options: ScenarioOptions) => Promise<Results>;

/** Those that can be had. The others are named. */
export function available(programs: readonly ServerProgram[]): readonly ServerProgram[] {
  for (const { name, command } of programs) {
    if (command === undefined) console.log(`${name} is left out: nothing here runs it.\n`);
  }
  return programs.filter(({ command }) => command !== undefined);
}
