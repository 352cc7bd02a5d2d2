import { afterAll, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { decodeJson, encodeJson } from "../../../src/layers/codec/json.ts";
import { sealMessage } from "../../../src/layers/message.ts";
import type { LayerValue } from "../../../src/protocol/message.ts";
import { sha256 } from "./canonical.ts";
import { byteValues, messagesWithoutBytes, values } from "./messages.ts";
import { OtherSide } from "./other-side.ts";
import { refusalOf, unreadable } from "./unreadable.ts";

const python = new OtherSide();
afterAll(() => python.close());

const read = (text: string): LayerValue => decodeJson(Buffer.from(text));

describe("a message in JSON", () => {
  test("is the same in Python, and again when Python writes it", async () => {
    const sent = fc.sample(messagesWithoutBytes, { numRuns: 1500, seed: 5 }).map((message) => sealMessage(message));
    const answers = await python.readBack(
      "json",
      sent.map((message) => encodeJson(message)),
    );
    expect(answers.map(({ hash }) => hash)).toEqual(sent.map(sha256));
    expect(answers.map(({ body }) => decodeJson(body))).toEqual(sent);
  });

  test.each(Object.entries(values))("carries %s to Python and back", async (_, value) => {
    const message = sealMessage({ type: "test.value", value });
    const body = encodeJson(message);
    const [answer] = await python.readBack("json", [body]);
    expect(answer?.hash).toBe(sha256(message));
    expect(sha256(decodeJson(answer?.body ?? Buffer.alloc(0)))).toBe(sha256(message));
    expect(sha256(decodeJson(body))).toBe(sha256(message));
  });

  test("has integers for numbers that are integral and fit 64 bits, as in MessagePack", () => {
    const numbers = [2 ** 53, -(2 ** 63), 2 ** 64 - 2 ** 11, 2 ** 64, -(2 ** 63) - 2 ** 11, 1e20, 1e21];
    const expected = numbers.map((number) => (number >= -(2 ** 63) && number < 2 ** 64 ? BigInt(number) : number));
    expect(decodeJson(encodeJson({ type: "t", value: numbers }))).toEqual({ type: "t", value: expected });
  });

  test("names its address last", () => {
    const body = encodeJson({ type: "a.b" }, ["specific.x!y"], 3).subarray(3);
    expect(body.toString()).toBe('{"type":"a.b","__asgi_channel__":["specific.x!y"]}');
  });

  test.each(Object.entries(byteValues))("is refused with %s in it", (_, value) => {
    expect(unreadable(() => encodeJson({ type: "t", list: [value] }))).toMatch(/Bytes can't be sent as JSON.*base64/);
  });
});

describe("a body that Python wrote", () => {
  test.each<[literal: string, value: LayerValue]>([
    ["2**64 - 1", 2n ** 64n - 1n],
    ["-2**63", -(2n ** 63n)],
    ["2**53 - 1", Number.MAX_SAFE_INTEGER],
    ["[2**53, -2**53, 2**53]", [2n ** 53n, -(2n ** 53n), 2n ** 53n]],
    [
      "{'12345678901234567890': ['12345678901234567890', '\"12345678901234567890\\\\']}",
      {
        "12345678901234567890": ["12345678901234567890", '"12345678901234567890\\'],
      },
    ],
    ["[1234567890123456.5, 1e300, 1e16, 12345678901234567e-1]", [1234567890123456.5, 1e300, 1e16, 1234567890123456.8]],
    ["(1, 2.0, -0.0)", [1, 2, 0]],
    ["'\\U0010ffff\\ufffd\\x00'", "\u{10ffff}\ufffd\0"],
    ["{'toString': 1, 'constructor': None, '': {}}", { toString: 1, constructor: null, "": {} }],
  ])("of %s is read", async (literal, value) => {
    const [body = Buffer.alloc(0)] = await python.write("json", [literal]);
    expect(decodeJson(body)).toStrictEqual(value);
  });

  test.each<[literal: string, says: RegExp]>([
    ["nan", /no JSON, which has neither NaN nor Infinity/],
    ["{'a': [inf]}", /no JSON, which has neither NaN nor Infinity/],
    ["2**64", /an integer of more than 64 bits/],
    ["-2**63 - 1", /an integer of more than 64 bits/],
    ["'\\ud800'", /a lone surrogate/],
    ["{'\\ud800': 1}", /a lone surrogate/],
    ["{'__proto__': 1}", /the key __proto__/],
  ])("of %s is refused", async (literal, says) => {
    const [body = Buffer.alloc(0)] = await python.write("json", [literal]);
    expect(unreadable(() => decodeJson(body))).toMatch(says);
  });
});

describe("what was read of JSON", () => {
  test("is plain, and frozen to its depths", () => {
    const value = read('{"list":[{"deep":[{}]},12345678901234567]}');
    const isFrozen = (part: unknown): boolean =>
      typeof part !== "object" || part === null || (Object.isFrozen(part) && Object.values(part).every(isFrozen));
    expect(isFrozen(value)).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});

describe("JSON is refused", () => {
  test.each<[what: string, text: string, says: RegExp]>([
    ["that is empty", "", /no JSON/],
    ["that is cut short", '{"a":', /no JSON/],
    ["with more behind its end", "{}{}", /no JSON/],
    ["with an integer that starts with 0", "[012345678901234567]", /no JSON/],
    ["with an integer as a key", "{12345678901234567:1}", /a key that is no text/],
    ["with text without an end, behind an integer", '[12345678901234567,"\\"', /no JSON/],
    ["with a number that is too large", "1e400", /a number that is too large/],
    ["with an integer of a million digits", `1${"0".repeat(1_000_000)}`, /more than 64 bits/],
    ["that is nested without end", "[".repeat(1_000_000) + "]".repeat(1_000_000), /levels|no JSON/],
  ])("%s", (_, text, says) => {
    expect(unreadable(() => read(text))).toMatch(says);
  });

  test("that is not UTF-8", () => {
    expect(unreadable(() => decodeJson(Buffer.from([0x22, 0xff, 0x22])))).toMatch(/not UTF-8/);
  });

  test("without its content being shown", () => {
    const sentence = unreadable(() => read('{"secret": NaN}'));
    expect(sentence).not.toContain("secret");
  });

  test("in whatever way it is damaged, with nothing but a layer's error", () => {
    const damaged = fc
      .tuple(
        messagesWithoutBytes,
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'"\\{}[],:-0eE1 ')), { maxLength: 3 }),
      )
      .map(([message, changes]) => {
        const body = encodeJson(sealMessage(message));
        for (const [place, letter] of changes) body.write(letter, place % body.length, "latin1");
        return body;
      });
    fc.assert(
      fc.property(damaged, (body) => {
        try {
          decodeJson(body);
        } catch (error) {
          refusalOf(error);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
