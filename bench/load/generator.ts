// Makes the traffic, in a process of its own. It is told what to do by messages, and answers each.
import { Crowd, type CrowdOptions } from "./crowd.ts";
import { storm, type StormOptions, type StormOutcome } from "./storm.ts";
import type { Outcome, Traffic } from "./traffic.ts";

/** What the load generator is told: to let clients enter, to let them send, to let them leave, or to let many storm in. */
export type Order =
  | { readonly do: "enter"; readonly crowd: string; readonly options: CrowdOptions }
  | { readonly do: "run"; readonly crowd: string; readonly traffic: Traffic }
  | { readonly do: "leave"; readonly crowd: string }
  | { readonly do: "storm"; readonly options: StormOptions };

/** What it answers. */
export type Answer = { readonly outcome?: Outcome; readonly storm?: StormOutcome } | { readonly error: string };

const crowds = new Map<string, Crowd>();

process.on("message", (order: Order) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ error: String(error) } satisfies Answer),
  );
});
process.on("disconnect", () => process.exit());

async function obey(order: Order): Promise<Answer> {
  if (order.do === "storm") return { storm: await storm(order.options) };
  if (order.do === "enter") {
    crowds.set(order.crowd, await Crowd.enter(order.options));
    return {};
  }
  const crowd = crowds.get(order.crowd);
  if (crowd === undefined) throw new Error(`There is no crowd ${order.crowd}`);
  if (order.do === "run") return { outcome: await crowd.run(order.traffic) };
  crowd.leave();
  crowds.delete(order.crowd);
  return {};
}
