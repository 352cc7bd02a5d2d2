import { describe, expect, jest, test } from "@jest/globals";
import { MillraceError } from "millrace";
import { type Gap, LayerCondition } from "../../src/redis/condition.ts";
import { heard } from "../support/heard.ts";

const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");
const reason = new MillraceError("ERR_LAYER_UNAVAILABLE", { happened: "Gone" });

describe("the condition of a layer", () => {
  test("is that of its connections: one gap covers theirs", () => {
    const gaps: Gap[] = [];
    const told: number[] = [];
    const condition = new LayerCondition("redis", {
      onDegraded: (since) => told.push(since),
      onRecovered: (gap) => gaps.push(gap),
    });
    const [first, second] = [{}, {}];
    condition.degrade(first, 1000, reason);
    condition.degrade(second, 1500, reason);
    condition.recover(first, 1000, 2000);
    expect(condition.degraded).toBe(true);
    expect(gaps).toEqual([]);
    condition.recover(second, 1500, 2500);

    expect(condition.degraded).toBe(false);
    expect(told).toEqual([1000]);
    expect(gaps).toEqual([{ since: 1000, until: 2500 }]);
    expect(degraded).toEqual([{ layer: "redis", since: 1000, reason: "Gone." }]);
    expect(recovered).toEqual([{ layer: "redis", since: 1000, until: 2500 }]);
  });

  test("tells again when a connection was well for less long than it was known", () => {
    const condition = new LayerCondition("redis");
    const [first, second] = [{}, {}];
    condition.degrade(first, 1500, reason);
    condition.degrade(second, 1000, reason);
    condition.recover(first, 1500, 2000);
    condition.recover(second, 1000, 2500);

    expect(degraded.map(({ since }) => since)).toEqual([1500, 1000]);
    expect(recovered).toEqual([{ layer: "redis", since: 1000, until: 2500 }]);
  });

  test("begins anew after it has recovered, and ignores who was never amiss", () => {
    const condition = new LayerCondition("redis");
    const connection = {};
    condition.degrade(connection, 1000, reason);
    condition.recover(connection, 1000, 1100);
    condition.recover({}, 0, 1200);
    condition.degrade(connection, 3000, reason);
    condition.recover(connection, 3000, 3100);

    expect(recovered.map(({ since, until }) => [since, until])).toEqual([
      [1000, 1100],
      [3000, 3100],
    ]);
  });

  test("lasts until a time that lies ahead, unless a connection is lost again before", () => {
    jest.useFakeTimers({ now: 10_000 });
    try {
      const condition = new LayerCondition("redis");
      const connection = {};
      condition.degrade(connection, 9000, reason);
      condition.recover(connection, 9000, 12_000);
      jest.advanceTimersByTime(1000);
      condition.degrade(connection, 10_500, reason);
      jest.advanceTimersByTime(5000);
      expect(recovered).toEqual([]);
      condition.recover(connection, 10_500, 17_000);
      jest.advanceTimersByTime(999);
      expect(condition.degraded).toBe(true);
      jest.advanceTimersByTime(1);
      expect(recovered).toEqual([{ layer: "redis", since: 9000, until: 17_000 }]);
      condition.degrade(connection, 17_000, reason);
      condition.recover(connection, 17_000, 18_000);
      condition.close();
      jest.advanceTimersByTime(5000);
      expect(recovered).toHaveLength(1);
    } finally {
      jest.useRealTimers();
    }
  });
});
