import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { types } from "node:util";
import { isMillraceError } from "millrace";
import { maxMessageDepth, sealMessage } from "../../src/layers/message.ts";

function refusal(message: unknown): string {
  try {
    sealMessage(message);
  } catch (error) {
    if (isMillraceError(error, "ERR_INVALID_MESSAGE")) return error.message;
    throw error;
  }
  throw new Error("the message was taken");
}

/** A list in a list in a list, so that the innermost is so many levels below the message. */
function nested(levels: number): unknown {
  let value: unknown = "innermost";
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const cycle: unknown[] = [];
cycle.push({ again: cycle });

class Text extends String {}

class User {
  name = "Ada";
}

describe("a sealed message", () => {
  test("is equal to what was given, and another", () => {
    const message = {
      type: "chat.message",
      text: "收到了",
      list: [1, { deep: [true, null] }],
      bytes: Uint8Array.of(1),
    };
    const sealed = sealMessage(message);
    expect(sealed).toEqual(message);
    expect(sealed["list"]).not.toBe(message.list);
    expect(sealed["bytes"]).not.toBe(message.bytes);
  });

  test("is frozen to its depths", () => {
    const sealed = sealMessage({ type: "a.b", list: [{ deep: [{}] }], map: { list: [] } });
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(sealed)).toBe(true);
  });

  test("has any plain value as it was, by whatever it is nested in", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((number) => !Number.isInteger(number) || Number.isSafeInteger(number))
        .map((number) => number + 0),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.uint8Array(),
    );
    const key = fc
      .string({ unit: "binary" })
      .filter((name) => !["type", "__proto__", "__asgi_channel__"].includes(name));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("value")),
        fc.dictionary(key, tie("value"), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (content) => {
        const message = { ...content, type: "a.b" };
        expect(sealMessage(message)).toEqual(message);
      }),
    );
  });

  test("leaves out properties that are undefined", () => {
    expect(Object.keys(sealMessage({ type: "a.b", absent: undefined, map: { absent: undefined } }))).toEqual([
      "type",
      "map",
    ]);
  });

  test("has bigints for the whole numbers that are no safe integers, and leaves those alone that need more than 64 bits", () => {
    const content = { edge: 2 ** 53, large: 1e18, least: -(2 ** 63), beyond: 2 ** 64, fraction: 0.5 };
    expect(sealMessage({ type: "a.b", ...content })).toEqual({
      type: "a.b",
      edge: 2n ** 53n,
      large: 10n ** 18n,
      least: -(2n ** 63n),
      beyond: 2 ** 64,
      fraction: 0.5,
    });
  });

  test("has numbers for the bigints that a number holds, and 0 for -0", () => {
    const values = sealMessage({ type: "a.b", values: [7n, -(2n ** 53n) + 1n, 2n ** 53n, -(2n ** 63n), -0] })["values"];
    expect(values).toStrictEqual([7, Number.MIN_SAFE_INTEGER, 2n ** 53n, -(2n ** 63n), 0]);
  });

  test("takes objects without a prototype and those of another realm, and gives plain ones", () => {
    const bare = Object.assign(Object.create(null) as object, { type: "a.b" });
    expect(Object.getPrototypeOf(sealMessage(bare))).toBe(Object.prototype);
    // Under Jest it comes from outside of the test's own realm.
    expect(sealMessage(structuredClone({ type: "a.b", map: { list: [1] } }))).toEqual({
      type: "a.b",
      map: { list: [1] },
    });
  });

  test("takes any Uint8Array and gives a plain one of the same bytes", () => {
    const { bytes } = sealMessage({ type: "a.b", bytes: Buffer.from("abcdef").subarray(1, 3) });
    expect(types.isUint8Array(bytes)).toBe(true);
    expect(Buffer.isBuffer(bytes)).toBe(false);
    expect(Buffer.from(bytes as Uint8Array).toString()).toBe("bc");
  });

  test("reads a getter once, and nothing that is inherited or can't be enumerated", () => {
    let read = 0;
    const message = {
      type: "a.b",
      get counted() {
        return ++read;
      },
    };
    Object.defineProperty(message, "hidden", { value: 1, enumerable: false });
    expect(sealMessage(message)).toEqual({ type: "a.b", counted: 1 });
    expect(refusal(Object.create({ type: "a.b" }))).toMatch(/^message can't travel/);
  });

  test("takes keys that are names on every object", () => {
    const message = { type: "a.b", constructor: 1, toString: 2, hasOwnProperty: 3 };
    expect(sealMessage(message)).toEqual(message);
  });

  test("takes the same object twice, where it is no cycle", () => {
    const shared = { a: [1] };
    expect(sealMessage({ type: "a.b", one: shared, two: [shared, shared] })["two"]).toEqual([shared, shared]);
  });
});

describe("a message is refused, with the place and what to do,", () => {
  test.each<[what: string, message: unknown, says: RegExp]>([
    ["when it is no object", "chat.message", /^message can't travel.*got "chat.message".*plain object with a type/],
    ["when it is a list", [{ type: "a.b" }], /^message can't travel.*array of 1/],
    ["when it is null", null, /^message can't travel.*null/],
    ["without a type", { text: "hello" }, /needs a type.*undefined.*chat_message/],
    ["with an empty type", { type: "" }, /needs a type.*""/],
    ["with a type that is no string", { type: 7 }, /needs a type.*7/],
    ["with a Date", { type: "a.b", user: { born: new Date(0) } }, /^message\.user\.born .*class Date.*toISOString/],
    ["with a Map", { type: "a.b", map: new Map() }, /^message\.map .*Object\.fromEntries/],
    ["with a Set", { type: "a.b", list: [0, new Set()] }, /^message\.list\[1\] .*\[\.\.\.set\]/],
    ["with a promise", { type: "a.b", later: Promise.resolve(1) }, /^message\.later .*Await it first/],
    ["with an error", { type: "a.b", error: new Error("no") }, /^message\.error .*Send its message/],
    ["with a buffer", { type: "a.b", bytes: new ArrayBuffer(1) }, /^message\.bytes .*new Uint8Array/],
    ["with floats in a typed array", { type: "a.b", floats: new Float32Array(1) }, /^message\.floats .*Uint8Array/],
    ["with an instance of a class", { type: "a.b", user: new User() }, /^message\.user .*class User.*plain object/],
    ["with a boxed string", { type: "a.b", text: new Text() }, /^message\.text .*class Text/],
    ["with a function", { type: "a.b", call: () => 1 }, /^message\.call .*function call/],
    ["with a symbol", { type: "a.b", symbol: Symbol("s") }, /^message\.symbol .*Symbol\(s\)/],
    ["with a symbol for a key", { type: "a.b", map: { [Symbol("s")]: 1 } }, /^message\.map .*no symbols/],
    ["with a cycle", { type: "a.b", cycle }, /^message\.cycle\[0\]\.again .*no cycle.*message\.cycle again/],
    ["with a lone surrogate", { type: "a.b", text: "private\ud800" }, /^message\.text (?!.*private).*toWellFormed/],
    ["with a lone surrogate in a key", { type: "a.b", "x\udc00": 1 }, /^message\["x\\udc00"\] .*lone surrogates/],
    ["with the key __proto__", JSON.parse('{"type":"a.b","a":{"__proto__":1}}'), /^message\.a\.__proto__ .*prototype/],
    ["with the key __asgi_channel__", { type: "a.b", __asgi_channel__: 1 }, /^message\.__asgi_channel__ .*Python/],
    ["with NaN", { type: "a.b", number: Number.NaN }, /^message\.number .*NaN.*finite/],
    ["with infinity", { type: "a.b", number: -Infinity }, /^message\.number .*-Infinity.*finite/],
    ["with too large an integer", { type: "a.b", number: 2n ** 64n }, /^message\.number .*18446744073709551616n/],
    ["with too small an integer", { type: "a.b", number: -(2n ** 63n) - 1n }, /^message\.number .*-2\*\*63/],
    ["with undefined in a list", { type: "a.b", list: [1, undefined] }, /^message\.list\[1\] .*undefined.*null/],
    ["with a hole in a list", { type: "a.b", list: Array(1) }, /^message\.list\[0\] .*undefined/],
    ["with a key that is no identifier", { type: "a.b", "a b": { "0": Number.NaN } }, /^message\["a b"\]\["0"\] /],
    ["with too many levels", { type: "a.b", deep: nested(maxMessageDepth) }, /at most 100 levels/],
  ])("%s", (_what, message, says) => {
    expect(refusal(message)).toMatch(says);
  });

  test("but not with as many levels as are allowed", () => {
    const deep = nested(maxMessageDepth - 1);
    expect(sealMessage({ type: "a.b", deep })["deep"]).toEqual(deep);
  });
});
