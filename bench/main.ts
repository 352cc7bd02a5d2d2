import { describeMachine, formatMachine } from "./measure/machine.ts";
import { micro } from "./micro/micro.ts";
import { killAll } from "./processes/child.ts";
import { installPeers } from "./processes/peers.ts";
import { profile } from "./profile/profile.ts";
import { redisCost } from "./redis-cost/redis-cost.ts";
import { report } from "./report/report.ts";
import type { Results } from "./report/results.ts";
import { formatVerdicts, verdictsOn } from "./report/verdict.ts";
import { compressed } from "./scenarios/compressed.ts";
import { echo } from "./scenarios/echo.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { idle } from "./scenarios/idle.ts";
import { redis } from "./scenarios/redis.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { stalled } from "./scenarios/stalled.ts";
import { storm } from "./scenarios/storm.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  echo,
  "fan-out": fanOut,
  compressed,
  stalled,
  storm,
  idle,
  redis,
  "redis-cost": redisCost,
  micro,
  profile,
};
/** What a look at all does without, to be quick. */
const leftOut = new Set(["stalled", "redis-cost", "micro", "profile"]);
const usage = `npm run bench -- [--quick] [${Object.keys(scenarios).join("] [")}], or npm run bench -- report`;

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    killAll();
    process.exit(code);
  });
}

const parameters = process.argv.slice(2);
const quick = parameters.includes("--quick");
const names = parameters.filter((word) => word !== "--quick");
const wrong = names.find((name) => name !== "report" && !Object.hasOwn(scenarios, name));
if (wrong !== undefined) {
  console.error(`There is no ${wrong}. Usage: ${usage}`);
  process.exit(2);
}
if (names.includes("report")) report();
else await measure(namesOf());

function namesOf(): readonly string[] {
  const all = Object.keys(scenarios);
  return all.filter((name) => (names.length > 0 ? names.includes(name) : !quick || !leftOut.has(name)));
}

async function measure(wanted: readonly string[]): Promise<void> {
  installPeers();
  console.log(formatMachine(describeMachine()));
  const results: Results = {};
  try {
    for (const name of wanted) Object.assign(results, await scenarios[name]?.({ quick }));
  } finally {
    killAll();
  }
  const verdicts = verdictsOn(results);
  if (verdicts.length > 0) console.log(`\n## Targets\n\n${formatVerdicts(verdicts)}`);
}
