import { afterAll, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { types } from "node:util";
import { decodeMsgpack } from "../../../src/layers/codec/msgpack-decode.ts";
import { MsgpackEncoder } from "../../../src/layers/codec/msgpack-encode.ts";
import { sealMessage } from "../../../src/layers/message.ts";
import type { LayerMessage, LayerValue } from "../../../src/protocol/message.ts";
import { sha256 } from "./canonical.ts";
import { byteValues, messages, values } from "./messages.ts";
import { OtherSide } from "./other-side.ts";
import { unreadable } from "./unreadable.ts";

const python = new OtherSide();
afterAll(() => python.close());

const encoder = new MsgpackEncoder();
const encodeValue = (value: LayerValue): Buffer => encoder.encode({ type: "t", value });

/** A map with the one key `value`, whose value is these bytes. */
function around(...value: readonly number[]): Buffer {
  return Buffer.from([0x81, 0xa5, ...Buffer.from("value"), ...value]);
}

describe("a message in MessagePack", () => {
  test("is the same in Python, which writes the same bytes of it", async () => {
    const sent = fc.sample(messages, { numRuns: 1500, seed: 3 }).map((message) => sealMessage(message));
    const bodies = sent.map((message) => encoder.encode(message));
    const read = await python.readBack("msgpack", bodies);
    expect(read.map(({ hash }) => hash)).toEqual(sent.map(sha256));
    for (const [index, { body }] of read.entries()) expect(body.equals(bodies[index] ?? Buffer.alloc(0))).toBe(true);
    expect(read.map(({ body }) => decodeMsgpack(body))).toEqual(sent);
  });

  test("is read as it was written", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMsgpack(encoder.encode(sealMessage(message)))).toEqual(message);
      }),
    );
  });

  test.each(Object.entries({ ...values, ...byteValues }))("carries %s to Python and back", async (_, value) => {
    const message = sealMessage({ type: "test.value", value });
    const body = encoder.encode(message);
    const [read] = await python.readBack("msgpack", [body]);
    expect(read?.hash).toBe(sha256(message));
    expect(read?.body.equals(body)).toBe(true);
    expect(sha256(decodeMsgpack(body))).toBe(sha256(message));
  });

  test("has integers for numbers that are integral and fit 64 bits, and doubles for all others", async () => {
    const numbers = [2 ** 53, -(2 ** 53), 2 ** 60, 2 ** 63, -(2 ** 63), 2 ** 64 - 2 ** 11, 2 ** 64, 1e300];
    const [read] = await python.readBack("msgpack", [encodeValue(numbers)]);
    const exact = numbers.map((number) => (number < 2 ** 64 ? BigInt(number) : number));
    expect(read?.hash).toBe(sha256({ type: "t", value: exact }));
    expect(decodeMsgpack(encodeValue(numbers))).toEqual({ type: "t", value: exact });
  });

  test("has the shortest form for a bigint that a number holds", () => {
    expect(encodeValue([5n, -5n])).toEqual(encodeValue([5, -5]));
  });

  test("names its address last, as Python does", async () => {
    const [one, several] = await python.write("msgpack", [
      "{'type': 'a.b', 'n': 1, '__asgi_channel__': 'specific.x!y'}",
      "{'type': 'a.b', 'n': 1, '__asgi_channel__': ['specific.x!y', 'specific.x!z']}",
    ]);
    const message = { type: "a.b", n: 1 };
    expect(encoder.encode(message, "specific.x!y")).toEqual(one);
    expect(encoder.encode(message, ["specific.x!y", "specific.x!z"])).toEqual(several);
    const wide = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`k${index}`, index]));
    expect(Object.keys(decodeMsgpack(encoder.encode({ ...wide, type: "a.b" }, "x")) as object)).toHaveLength(17);
  });

  test("keeps what was encoded before it as it was", () => {
    const first = encodeValue("first");
    encodeValue("second");
    expect(decodeMsgpack(first)).toEqual({ type: "t", value: "first" });
  });

  test("is not written when it holds what no sealed message does", () => {
    const messages = [
      { type: "t", value: undefined },
      { type: "t", value: [() => 1] },
    ] as unknown as LayerMessage[];
    for (const message of messages) expect(unreadable(() => encoder.encode(message))).toMatch(/no form in MessagePack/);
    expect(encodeValue(1)).toEqual(
      Buffer.from([0x82, 0xa4, ...Buffer.from("type"), 0xa1, 0x74, ...around(1).subarray(1)]),
    );
  });
});

describe("a body that Python wrote", () => {
  test.each<[literal: string, value: LayerValue]>([
    ["2**64 - 1", 2n ** 64n - 1n],
    ["-2**63", -(2n ** 63n)],
    ["2**53 - 1", Number.MAX_SAFE_INTEGER],
    ["-2**53", -(2n ** 53n)],
    ["(1, [2, (3,)])", [1, [2, [3]]]],
    ["2.0", 2],
    ["1e17", 1e17],
    ["-0.0", 0],
    ["nan", Number.NaN],
    ["[inf, -inf]", [Infinity, -Infinity]],
    ["b'\\x00\\xff'", Uint8Array.of(0, 255)],
    ["bytearray(b'ab')", Uint8Array.of(97, 98)],
    ["'\\U0010ffff\\ufffd\\x00'", "\u{10ffff}\ufffd\0"],
    ["{'toString': 1, 'constructor': None, '': {}}", { toString: 1, constructor: null, "": {} }],
    ["{'a': True, 'b': False}", { a: true, b: false }],
  ])("of %s is read", async (literal, value) => {
    const [body = Buffer.alloc(0)] = await python.write("msgpack", [literal]);
    expect(decodeMsgpack(body)).toStrictEqual(value);
  });

  test("is read when it is nested as deep as Python nests", async () => {
    const nested = (levels: number): string =>
      `__import__("functools").reduce(lambda inner, _: [inner], range(${levels}), 0)`;
    const [deepest = Buffer.alloc(0)] = await python.write("msgpack", [nested(511)]);
    expect(decodeMsgpack(deepest)).toHaveLength(1);
    expect(deepest).toHaveLength(512);
    await expect(new OtherSide().write("msgpack", [nested(512)])).rejects.toThrow("recursion limit exceeded");
  });
});

describe("what was read", () => {
  test("is plain, and frozen to its depths", () => {
    const value = decodeMsgpack(encodeValue([{ deep: [{}] }, "text"]));
    const isFrozen = (part: unknown): boolean =>
      typeof part !== "object" || part === null || (Object.isFrozen(part) && Object.values(part).every(isFrozen));
    expect(isFrozen(value)).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test("has bytes of its own, which are a plain Uint8Array", () => {
    const body = encodeValue(Uint8Array.of(1, 2, 3));
    const { value } = decodeMsgpack(body) as { value: Uint8Array };
    body.fill(0);
    expect([...value]).toEqual([1, 2, 3]);
    expect(types.isUint8Array(value) && !Buffer.isBuffer(value)).toBe(true);
    expect(value.buffer.byteLength).toBe(3);
  });

  test("has the last value of a key that came twice", () => {
    expect(decodeMsgpack(Buffer.from([0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2]))).toEqual({ a: 2 });
  });

  test("may have been written in longer forms and in single precision", () => {
    expect(decodeMsgpack(Buffer.from([0xdd, 0, 0, 0, 2, 0xcf, 0, 0, 0, 0, 0, 0, 0, 7, 0xca, 0x3f, 0, 0, 0]))).toEqual([
      7, 0.5,
    ]);
    expect(
      decodeMsgpack(Buffer.from([0xdf, 0, 0, 0, 1, 0xdb, 0, 0, 0, 1, 0x61, 0xd3, ...Buffer.alloc(8, 0xff)])),
    ).toEqual({ a: -1 });
  });
});

describe("a body is refused", () => {
  test.each<[what: string, body: Buffer, says: RegExp]>([
    ["that is empty", Buffer.alloc(0), /cut short, at byte 0 of 0/],
    ["that is cut short", around(0xcd, 1), /cut short, at byte 8 of 9/],
    ["with more behind its end", around(1, 2), /more behind its end, at byte 8 of 9/],
    ["that claims a list of 4 billion", around(0xdd, 255, 255, 255, 255), /cut short/],
    ["that claims a map of 4 billion", around(0xdf, 255, 255, 255, 255), /cut short/],
    ["that claims text of 4 GB", around(0xdb, 255, 255, 255, 255, 0x61), /cut short/],
    ["that claims bytes of 4 GB", around(0xc6, 255, 255, 255, 255, 0x61), /cut short/],
    ["with text that is not UTF-8", around(0xa2, 0xc3, 0x28), /text that is not UTF-8, at byte 8/],
    ["with a lone surrogate", around(0xa3, 0xed, 0xa0, 0x80), /text that is not UTF-8/],
    ["with a key that is not UTF-8", Buffer.from([0x81, 0xa1, 0xff, 1]), /text that is not UTF-8/],
    ["with an integer as a key", Buffer.from([0x81, 1, 1]), /a key that is no text, at byte 1/],
    ["with bytes as a key", Buffer.from([0x81, 0xc4, 1, 0x61, 1]), /a key that is no text/],
    ["with nil as a key", Buffer.from([0x81, 0xc0, 1]), /a key that is no text/],
    ["with the key __proto__", Buffer.from([0x81, 0xa9, ...Buffer.from("__proto__"), 0x80]), /the key __proto__/],
    ["with a timestamp", around(0xd6, 0xff, 0, 0, 0, 0), /a timestamp or another extension, at byte 7/],
    ["with an extension", around(0xc7, 1, 5, 0), /a timestamp or another extension/],
    ["with the byte that is never used", around(0xc1), /a byte that MessagePack never uses/],
    ["that is nested too deep", Buffer.alloc(513, 0x91), /more than 512 levels/],
    ["that is nested without end", Buffer.alloc(1_000_000, 0x91), /more than 512 levels/],
  ])("%s", (_, body, says) => {
    expect(unreadable(() => decodeMsgpack(body))).toMatch(says);
  });

  test("without its content being shown", () => {
    expect(unreadable(() => decodeMsgpack(Buffer.from([0xa6, ...Buffer.from("secret"), 1])))).not.toContain("secret");
  });
});
