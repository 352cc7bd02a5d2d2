import { describe, expect, test } from "@jest/globals";
import { complaints, type Measured } from "../../bench/redis-cost/verdict.ts";

/** A cost of so much for a send, and so much for each process. */
function measured(processes: number, members: number, commands: number): Measured {
  return { layer: "redis+core", processes, members, commands, bytesIn: 100, bytesOut: 100, calls: {} };
}

describe("the verdict on what Redis does for a send", () => {
  test("finds nothing wrong where costs are constant in members and linear in processes", () => {
    const costs = [1, 2, 4].flatMap((processes) => [measured(processes, 4, 6 + 7 * processes)]);
    expect(complaints([...costs, measured(1, 10_000, 13.1)])).toEqual([]);
  });

  test("names a cost that grows with members", () => {
    const wrong = complaints([measured(1, 1, 13), measured(1, 10_000, 26)]);
    expect(wrong).toEqual(["redis+core, 1 processes: commands go from 13 to 26 with members"]);
  });

  test("names a cost that grows faster than the number of processes", () => {
    const wrong = complaints([1, 2, 4].map((processes) => measured(processes, 4, processes ** 2)));
    expect(wrong).toEqual(["redis+core: commands with 4 processes are 16 and not 10"]);
  });
});
