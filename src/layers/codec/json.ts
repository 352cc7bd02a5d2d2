import { randomBytes } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { types } from "node:util";
import { MillraceError } from "../../protocol/errors.ts";
import type { LayerMessage, LayerValue } from "../../protocol/message.ts";
import { type Address, addressKey } from "./address.ts";
import { checkReceivedDepth, checkReceivedKey, unreadable } from "./received.ts";

/**
 * Writes a message as JSON in UTF-8. Bigints are written as integers; a number of 2⁶⁴ and more is
 * written as a fraction, because Python would take it for an integer of more than 64 bits.
 *
 * @param headroom is how many bytes are left free, with any content, before the body.
 * @throws MillraceError `ERR_INVALID_MESSAGE` for bytes, which JSON does not have.
 */
export function encodeJson(message: LayerMessage, address?: Address, headroom = 0): Buffer {
  const text = write(address === undefined ? message : { ...message, [addressKey]: address });
  const body = Buffer.allocUnsafe(headroom + Buffer.byteLength(text));
  body.write(text, headroom);
  return body;
}

function write(value: LayerValue): string {
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (types.isUint8Array(value)) {
    throw new MillraceError("ERR_INVALID_MESSAGE", {
      happened: "Bytes can't be sent as JSON",
      wanted: "a message without bytes",
      remedy: "Send them as base64 text, or give the layer the serializer msgpack, at all senders and receivers",
    });
  }
  const entries = Object.entries(value);
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${write(inner)}`).join(",")}}`;
}

function writeNumber(value: number): string {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value);
  // The digits that a double is shown with are rounded.
  const integer = BigInt(value);
  if (fits64(integer)) return String(integer);
  const text = String(value);
  return text.includes("e") ? text : `${text}.0`;
}

/**
 * Reads one value of JSON, as `decodeMsgpack` does of MessagePack. An integer is written without a
 * fraction and an exponent.
 *
 * @throws MillraceError `ERR_INVALID_MESSAGE`, also for `NaN` and `Infinity`, which Python writes,
 *   for lone surrogates, and for integers of more than 64 bits.
 */
export function decodeJson(body: Buffer): LayerValue {
  if (!isUtf8(body)) throw unreadable("text that is not UTF-8");
  return receive(parse(body.toString()), 0);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(markLongIntegers(text));
  } catch {
    // The parser's own error shows some of the text.
    throw unreadable("no JSON, which has neither NaN nor Infinity");
  }
}

function receive(value: unknown, depth: number): LayerValue {
  if (typeof value === "string") return receiveText(value);
  if (typeof value === "number") return receiveNumber(value);
  if (typeof value === "boolean" || value === null) return value;
  checkReceivedDepth(depth + 1);
  if (Array.isArray(value)) return Object.freeze(value.map((inner: unknown) => receive(inner, depth + 1)));
  const map: Record<string, LayerValue> = {};
  // JSON has nothing else left.
  for (const [key, inner] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    if (key.startsWith(mark)) throw unreadable("a key that is no text");
    checkReceivedKey(key);
    checkWellFormed(key);
    map[key] = receive(inner, depth + 1);
  }
  return Object.freeze(map);
}

function receiveText(text: string): LayerValue {
  if (text.startsWith(mark)) return receiveLongInteger(text.slice(mark.length));
  checkWellFormed(text);
  return text;
}

function checkWellFormed(text: string): void {
  if (!text.isWellFormed()) throw unreadable("text with a lone surrogate");
}

function receiveNumber(value: number): number {
  // Adding 0 makes 0 of -0, as it is for all messages.
  if (Number.isFinite(value)) return value + 0;
  throw unreadable("a number that is too large");
}

function receiveLongInteger(digits: string): number | bigint {
  // To read very many digits would take very long.
  const integer = digits.length > 20 ? undefined : BigInt(digits);
  if (integer === undefined || !fits64(integer)) throw unreadable("an integer of more than 64 bits");
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

function fits64(integer: bigint): boolean {
  return integer >= -(2n ** 63n) && integer < 2n ** 64n;
}

/** What marks a string as the digits of an integer: random, so that nobody can send it. */
const mark = randomBytes(18).toString("base64");

/** Makes strings of the integers that JSON.parse might round. */
function markLongIntegers(text: string): string {
  if (!/\d{16}/.test(text)) return text;
  const parts: string[] = [];
  let position = 0;
  while (position < text.length) {
    const quote = text.indexOf('"', position);
    const outside = quote === -1 ? text.length : quote;
    parts.push(text.slice(position, outside).replace(/-?\d[\d.eE+-]*/g, markIfLong));
    position = quote === -1 ? outside : endOfString(text, quote);
    parts.push(text.slice(outside, position));
  }
  return parts.join("");
}

function markIfLong(literal: string): string {
  return /^-?[1-9]\d{15,}$/.test(literal) ? `"${mark}${literal}"` : literal;
}

/** Where the text goes on behind the string that starts with this quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

function isEscaped(text: string, position: number): boolean {
  let backslashes = 0;
  while (text[position - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}
