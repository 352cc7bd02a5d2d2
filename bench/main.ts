import { describeMachine, formatMachine } from "./measure/machine.ts";
import { killAll } from "./processes/child.ts";
import { installPeers } from "./processes/peers.ts";
import { compressed } from "./scenarios/compressed.ts";
import { echo } from "./scenarios/echo.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { idle } from "./scenarios/idle.ts";
import { stalled } from "./scenarios/stalled.ts";
import { storm } from "./scenarios/storm.ts";
import { redis } from "./scenarios/redis.ts";
import { redisCost } from "./redis-cost/redis-cost.ts";

const benchmarks: Readonly<Record<string, Scenario>> = {
  echo,
  "fan-out": fanOut,
  compressed,
  stalled,
  storm,
  idle,
  redis,
  "redis-cost": redisCost,
};
const usage = `npm run bench -- [--quick] [${Object.keys(benchmarks).join("] [")}]`;

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
const wrong = parameters.find((word) => word !== "--quick" && !Object.hasOwn(benchmarks, word));
if (wrong !== undefined) {
  console.error(`There is no ${wrong}. Usage: ${usage}`);
  process.exit(2);
}
const named = Object.keys(benchmarks).filter((name) => parameters.includes(name));
installPeers();
console.log(formatMachine(describeMachine()));
try {
  for (const [name, run] of Object.entries(benchmarks)) {
    if (named.length > 0 && !named.includes(name)) continue;
    await run({ quick: parameters.includes("--quick") });
  }
} finally {
  killAll();
}
