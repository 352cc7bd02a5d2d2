import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Wheel, type WheelItem } from "../../src/flow/wheel.ts";

class Alarm implements WheelItem {
  due = 0;
  readonly calls: number[] = [];
  readonly #then: () => void;

  constructor(then: () => void = () => {}) {
    this.#then = then;
  }

  onDue(): void {
    this.calls.push(performance.now());
    this.#then();
  }
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("a wheel", () => {
  test("calls an item once, not early and at most a sixteenth of its delay late", () => {
    const wheel = new Wheel();
    for (const delay of [1, 7, 16, 100, 5000, 20_000, 86_400_000]) {
      const alarm = new Alarm();
      const start = performance.now();
      wheel.set(alarm, delay);
      jest.advanceTimersByTime(delay * 2 + 2);
      expect(alarm.calls).toHaveLength(1);
      const waited = (alarm.calls[0] ?? 0) - start;
      expect(waited).toBeGreaterThanOrEqual(delay);
      expect(waited).toBeLessThanOrEqual(delay + Math.max(2, delay / 16 + 1));
    }
  });

  test("needs one timer for any number of items, and none when it is empty", () => {
    const wheel = new Wheel();
    const alarms = Array.from({ length: 1000 }, () => new Alarm());
    for (const [at, alarm] of alarms.entries()) wheel.set(alarm, 1000 + at * 10);
    expect(jest.getTimerCount()).toBe(1);
    expect(wheel.size).toBe(1000);
    for (const alarm of alarms) wheel.clear(alarm);
    expect(jest.getTimerCount()).toBe(0);
    expect(wheel.size).toBe(0);
  });

  test("forgets an item that is cleared, and moves one that is set again", () => {
    const wheel = new Wheel();
    const [cleared, moved] = [new Alarm(), new Alarm()];
    wheel.set(cleared, 100);
    wheel.set(moved, 100);
    wheel.clear(cleared);
    wheel.set(moved, 1000);
    jest.advanceTimersByTime(900);
    expect([cleared.calls, moved.calls]).toEqual([[], []]);
    jest.advanceTimersByTime(200);
    expect([cleared.calls.length, moved.calls.length]).toEqual([0, 1]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("lets an item set itself again, and take another of the same slot off", () => {
    const wheel = new Wheel();
    const other = new Alarm();
    const first: Alarm = new Alarm(() => {
      wheel.clear(other);
      if (first.calls.length < 3) wheel.set(first, 100);
    });
    wheel.set(first, 100);
    wheel.set(other, 100);
    jest.advanceTimersByTime(1000);
    expect([first.calls.length, other.calls.length]).toEqual([3, 0]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
