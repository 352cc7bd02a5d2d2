import { describe, expect, test } from "@jest/globals";
import { coresOf } from "../../bench/processes/cores.ts";
import { ratiosBetween, sideOf } from "../../bench/contest/side.ts";
import type { Measured } from "../../bench/contest/contest.ts";
import type { Outcome } from "../../bench/load/traffic.ts";
import { Latencies } from "../../bench/measure/latencies.ts";
import { pairedRuns } from "../../bench/measure/paired.ts";
import { topFunctions } from "../../bench/profile/top-functions.ts";
import { withTables } from "../../bench/report/docs.ts";
import { barChart } from "../../bench/report/svg.ts";
import { verdictsOn } from "../../bench/report/verdict.ts";

/** A run in which each delivery took so many microseconds of the server and milliseconds of the client. */
function outcome(serverTime: number, latency: number, compressed = 0): Outcome {
  const latencies = new Latencies();
  for (let sample = 0; sample < 100; sample++) latencies.add(latency);
  const deliveries = 100;
  const time = { serverTime: serverTime * deliveries, redisTime: 0, loadTime: 500_000, seconds: 1 };
  return { messages: 1, deliveries, compressed, ...time, latencies: latencies.toJSON() };
}

/** A fan-out at which Millrace took one time, and ws the other. */
function fanOut(ours: number, theirs: number, labels: object, rate?: number): Measured {
  const [one, other] = [[outcome(ours, ours)], [outcome(theirs, theirs)]];
  return {
    labels: { members: "1,000", rooms: "1", size: "64 B", messages: "text", window: "8", ...labels },
    ...(rate === undefined ? {} : { rate }),
    sides: { Millrace: sideOf(one), ws: sideOf(other) },
    ratios: { ws: ratiosBetween(one, other) },
  };
}

describe("what a server came to", () => {
  test("is the spread of its runs, with the percentiles of all samples", () => {
    const side = sideOf([outcome(2, 1), outcome(4, 1), outcome(9, 100, 50)]);
    expect(side.serverTime).toEqual({ min: 2, median: 4, max: 9 });
    expect(side.load.median).toBe(0.5);
    expect(side.compressed).toBeCloseTo(50 / 300);
    expect(side.p50).toBeCloseTo(1, 1);
    expect(side.p99).toBeGreaterThan(99);
  });

  test("is compared run by run", () => {
    const { serverTime } = ratiosBetween([outcome(1, 1), outcome(3, 1)], [outcome(4, 1), outcome(4, 1)]);
    expect(serverTime).toEqual({ min: 0.25, median: 0.5, max: 0.75 });
  });
});

test("runs are paired in turn, and every other round goes backwards", async () => {
  const order: string[] = [];
  const results = await pairedRuns(3, ["a", "b"], (subject) => Promise.resolve(order.push(subject)));
  expect(order.join("")).toBe("abbaab");
  expect(results.get("b")).toEqual([2, 3, 6]);
});

describe("the verdict", () => {
  test("says what was wanted, what was found, and whether that is enough", () => {
    const verdicts = verdictsOn({ "fan-out": { measured: [fanOut(1, 10, {}), fanOut(9, 10, { window: "1" })] } });
    expect(verdicts.map(({ wanted, found, met }) => [wanted, found, met])).toEqual([
      ["≤ 1/8", "1/10 – 1/10 – 1/10", true],
      ["≤ 0.75", "0.9 – 0.9 – 0.9", false],
    ]);
  });

  test("is silent about what was not measured", () => {
    expect(verdictsOn({})).toEqual([]);
  });

  test("on latency is by the worst of all tasks at a steady rate", () => {
    const measured = [fanOut(1, 10, {}, 5), fanOut(12, 10, { members: "10" }, 5)];
    expect(verdictsOn({ "fan-out": { measured } })).toMatchObject([{ beside: "ws", wanted: "≤ 1", met: false }]);
  });
});

test("tables are put between their marks, and a place without a table stays as it is", () => {
  const text = "# A\n<!-- bench: a -->\nold\n<!-- /bench -->\ntext\n<!-- bench: b -->\n\nkept\n<!-- /bench -->\n";
  const once = withTables(text, { a: "| new |" });
  expect(once).toBe(text.replace("old", "\n| new |\n"));
  expect(withTables(once, { a: "| new |" })).toBe(once);
});

test("bars grow with what they stand for", () => {
  const bars = [10, 5].map((value) => ({ name: value === 5 ? "ours" : "<theirs>", value, text: String(value) }));
  const drawn = barChart({ title: "a & b", groups: [{ label: "all", bars }] }, "ours");
  const widths = [...drawn.matchAll(/<rect[^>]* width="(\d+)"/g)].map(([, width]) => Number(width));
  expect(widths[0]).toBe((widths[1] ?? 0) * 2);
  expect(drawn).toContain("a &amp; b");
  expect(drawn).toContain("&lt;theirs>");
});

test("a list of cores is read as the kernel writes it", () => {
  expect(["0", "4-7"].map(coresOf)).toEqual([[0], [4, 5, 6, 7]]);
});

test("the functions of a profile are those that ran themselves, of the time that was not idle", () => {
  const node = (id: number, functionName: string, url = "") => ({
    id,
    callFrame: { functionName, url, lineNumber: 4 },
  });
  const nodes = [node(1, "(idle)"), node(2, "write", "file:///a/b/server/x.js"), node(3, "")];
  // At 110, 120, 150 and 160 microseconds; the last ran after the period.
  const profile = { nodes, startTime: 100, samples: [1, 2, 3, 2], timeDeltas: [10, 10, 30, 10] };
  expect(topFunctions(profile, 5, { from: 105, to: 155 })).toEqual([
    { name: "write (server/x.js:5)", share: 0.75 },
    { name: "(anonymous)", share: 0.25 },
  ]);
});
