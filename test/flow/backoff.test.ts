import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Backoff } from "../../src/flow/backoff.ts";

describe("a backoff", () => {
  test("waits twice as long each time, up to its limit, and by chance up to a half less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 100_000 }), (first, longest) => {
        const backoff = new Backoff(first, longest);
        for (let attempt = 0; attempt < 30; attempt++) {
          const full = Math.min(first * 2 ** attempt, Math.max(first, longest));
          const wait = backoff.next();
          expect(wait).toBeLessThanOrEqual(full);
          expect(wait).toBeGreaterThanOrEqual(full / 2);
        }
      }),
    );
  });

  test("stays within its limit however often it is asked", () => {
    const backoff = new Backoff(1, 1000);
    for (let attempt = 0; attempt < 5000; attempt++) backoff.next();
    expect(backoff.next()).toBeLessThanOrEqual(1000);
  });

  test("begins anew once an attempt has succeeded", () => {
    const backoff = new Backoff(10, 1000);
    for (let attempt = 0; attempt < 10; attempt++) backoff.next();
    expect(backoff.next()).toBeGreaterThanOrEqual(500);
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(10);
  });
});
