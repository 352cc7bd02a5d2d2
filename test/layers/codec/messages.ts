import * as fc from "fast-check";
import type { LayerMessage, LayerValue } from "../../../src/protocol/message.ts";

const edges = [0, 5, 7, 8, 15, 16, 31, 32, 53, 62, 63, 64].map((power) => 2n ** BigInt(power));

/** Integers at and beside every edge between two forms, and at the ends of 64 bits. */
export const integers: readonly (number | bigint)[] = edges
  .flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n])
  .filter((integer) => integer >= -(2n ** 63n) && integer < 2n ** 64n)
  .map((integer) => (Number.isSafeInteger(Number(integer)) ? Number(integer) : integer));

/** Doubles that arrive as such: a number that is integral and fits 64 bits, but is not safe, arrives as a bigint. */
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 64)
  .map((value) => value + 0);

const scalar = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary-ascii", minLength: 25, maxLength: 40 }),
  double,
  fc.maxSafeInteger(),
  fc.constantFrom(...integers),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((value) => {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }),
  fc.boolean(),
  fc.constant(null),
);

const key = fc
  .string({ unit: "binary" })
  .filter((name) => name !== "type" && name !== "__proto__" && name !== "__asgi_channel__");

function messagesOf(leaf: fc.Arbitrary<LayerValue>): fc.Arbitrary<LayerMessage> {
  const { value } = fc.letrec<{ value: LayerValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(key, tie("value"), { noNullPrototype: true, maxKeys: 5 }),
    ),
  }));
  const type = fc.string({ unit: "binary", minLength: 1 });
  return fc
    .tuple(type, fc.dictionary(key, value, { noNullPrototype: true, maxKeys: 20 }))
    .map(([name, content]) => ({ type: name, ...content }));
}

/** Any message that MessagePack carries. */
export const messages: fc.Arbitrary<LayerMessage> = messagesOf(fc.oneof(scalar, fc.uint8Array()));

/** Any message that JSON carries. */
export const messagesWithoutBytes: fc.Arbitrary<LayerMessage> = messagesOf(scalar);

const plane = (index: number): string => String.fromCodePoint(index * 0x1_0000 + 0x21, index * 0x1_0000 + 0xfffd);

/** What a message may hold, by what it is. */
export const values: Readonly<Record<string, LayerValue>> = {
  "the empty text": "",
  "text of every plane": Array.from({ length: 17 }, (_, index) => plane(index)).join(""),
  "text with every ASCII character": String.fromCodePoint(...Array(128).keys()),
  "text that holds U+FFFD": "\ufffd",
  ...Object.fromEntries(
    [0, 1, 31, 32, 255, 256, 65_535, 65_536].flatMap((length) => [
      [`ASCII text of ${length}`, "x".repeat(length)],
      [`a list of ${length}`, Array<LayerValue>(length).fill(null)],
      [`a map of ${length}`, Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index % 7]))],
    ]),
  ),
  "text of 31 bytes and fewer characters": `${"x".repeat(28)}收`,
  "text of 32 bytes and fewer characters": `${"x".repeat(29)}收`,
  "1 MB of text": "收到了 ".repeat(100_000),
  "a list in a list, to 100 levels": nested(98),
  "keys that are names on every object": { toString: 1, constructor: 2, hasOwnProperty: 3, valueOf: 4, "": 5, "0": 6 },
  "true, false and null": [true, false, null],
  fractions: [0.5, -0.1, Math.PI, 1e-300, 1.5e300, Number.MIN_VALUE, Number.MAX_VALUE, -1e21, 2 ** 64, -(2 ** 65)],
  integers,
};

export const byteValues: Readonly<Record<string, LayerValue>> = {
  "bytes of every value": Uint8Array.from(Array(256).keys()),
  ...Object.fromEntries(
    [0, 1, 255, 256, 65_535, 65_536, 1_000_000].map((length) => [`${length} bytes`, new Uint8Array(length).fill(0xff)]),
  ),
};

function nested(levels: number): LayerValue {
  let value: LayerValue = "innermost";
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
