import { expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { jsonText } from "../../src/consumer/json-text.ts";

/** What a handler may do with what it sends. */
type Step = (content: Record<string, unknown>) => Record<string, unknown>;

const key = fc.constantFrom("type", "text", "from", "at", "toJSON");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Step>((content) => content) },
  { weight: 5, arbitrary: fc.constant<Step>((content) => ({ ...content })) },
  { weight: 2, arbitrary: fc.constant<Step>((content) => frozen(structuredClone(content))) },
  fc.constant<Step>((content) => Object.freeze({ ...content })),
  fc.constant<Step>((content) => Object.fromEntries(Object.entries(content).toReversed())),
  fc.tuple(key, fc.jsonValue({ maxDepth: 2 })).map(
    ([name, value]): Step =>
      (content) =>
        Object.isFrozen(content) ? { ...content, [name]: value } : Object.assign(content, { [name]: value }),
  ),
  // Below the first level, where nobody sees it.
  fc.constant<Step>((content) => {
    const { from } = content;
    if (typeof from === "object" && from !== null && !Object.isFrozen(from)) Object.assign(from, { also: "this" });
    return content;
  }),
);

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

test("is what JSON.stringify gives, whatever was asked for before and has changed since", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
      let content: Record<string, unknown> = { type: "chat.message", text: "hello" };
      for (const next of steps) {
        content = next(content);
        expect(jsonText(content)).toBe(JSON.stringify(content));
      }
      await Promise.resolve();
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, () => object]>([
  ["a getter", counting],
  ["a frozen getter", () => Object.freeze(counting())],
  ["a frozen getter below", () => ({ counting: Object.freeze(counting()) })],
  ["a toJSON of its own", () => ({ toJSON: count() })],
  ["a toJSON of its own that does not show", () => Object.defineProperty({}, "toJSON", { value: count() })],
  ["a toJSON of its class", () => new Counting()],
  ["a toJSON of an array", () => Object.freeze(Object.assign([], { toJSON: count() }))],
])("is asked for again where it may have become another: %s", (_, make) => {
  const [one, same] = [make(), make()];
  const asked = [1, 2, 3, 4, 5, 6];
  expect(asked.map(() => jsonText(one))).toEqual(asked.map(() => JSON.stringify(same)));
});

test("of a date in a message follows the date", () => {
  const at = new Date(0);
  const content = Object.freeze({ at: Object.freeze(at) });
  const texts = [0, 1, 2, 3].map((time) => {
    at.setTime(time);
    return jsonText(content);
  });
  expect(new Set(texts).size).toBe(4);
});

function count(): () => number {
  let counted = 0;
  return () => counted++;
}

class Counting {
  toJSON = count();
}

/** It is read more than once where it is looked at whether it may change. */
function counting(): object {
  const next = count();
  return {
    get counted() {
      return Math.floor(next() / 2);
    },
  };
}

test("there is none of a function, and a cycle is refused as ever", () => {
  expect(jsonText({ toJSON: () => undefined })).toBeUndefined();
  expect(jsonText(() => {})).toBeUndefined();
  const cycle: Record<string, unknown> = {};
  cycle["again"] = cycle;
  expect(() => jsonText(cycle)).toThrow(TypeError);
});

test.each<[string, () => object]>([
  ["of primitives", () => ({ type: "chat.message", text: "hello", at: 1, to: null, loud: true })],
  ["of parts that are frozen and shared", () => ({ type: "chat.message", from: sender, tags })],
])("is made twice for a thousand equal objects %s", (_, content) => {
  const stringify = jest.spyOn(JSON, "stringify");
  const texts = new Set(Array.from({ length: 1000 }, () => jsonText(content())));
  const calls = stringify.mock.calls.length;
  stringify.mockRestore();
  expect(texts.size).toBe(1);
  expect(calls).toBe(2);
});

const sender = Object.freeze({ id: 7, name: "somebody" });
const tags = Object.freeze(["a", "b"]);

test("is forgotten when all who ask for it have been answered", async () => {
  const content = { text: "hello" };
  for (let time = 0; time < 3; time++) jsonText(content);
  await Promise.resolve();
  const stringify = jest.spyOn(JSON, "stringify");
  jsonText(content);
  const calls = stringify.mock.calls.length;
  stringify.mockRestore();
  expect(calls).toBe(1);
});
