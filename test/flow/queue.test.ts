import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { Queue } from "../../src/flow/queue.ts";

describe("a queue", () => {
  test("gives back what was put in, first in, first out, whatever the mixture of calls", () => {
    const call = fc.oneof(
      { weight: 5, arbitrary: fc.nat() },
      { weight: 4, arbitrary: fc.constant("shift" as const) },
      fc.constant("clear" as const),
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
        const queue = new Queue<number>();
        let model: number[] = [];
        for (const step of calls) {
          if (step === "clear") {
            queue.clear();
            model = [];
          } else if (step === "shift") {
            expect(queue.peek()).toBe(model[0]);
            expect(queue.shift()).toBe(model.shift());
          } else {
            queue.push(step);
            model.push(step);
          }
          expect(queue).toHaveLength(model.length);
        }
      }),
    );
  });

  test("lets go of an item as soon as it is taken", async () => {
    const queue = new Queue<object>();
    for (let at = 0; at < 10; at++) queue.push({ at });
    const taken = new WeakRef(queue.shift() ?? {});

    // A weak reference holds its target until the turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();

    expect(taken.deref()).toBeUndefined();
    expect(queue).toHaveLength(9);
  });
});
