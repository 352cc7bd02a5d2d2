import { types } from "node:util";
import { type ErrorDetails, MillraceError } from "../protocol/errors.ts";
import type { LayerMessage, LayerValue } from "../protocol/message.ts";

/** How deep lists and objects may lie in one another; the message itself is the first level. */
export const maxMessageDepth = 100;

/** Where a list or an object lies within a message. */
interface Place {
  readonly container: object;
  readonly outer: Place | undefined;
  readonly key: string | number;
  readonly depth: number;
}

/**
 * Checks a message and copies it, once for all receivers. The copy is frozen to its depths; bytes
 * can't be frozen, so receivers must take them as read-only.
 *
 * What a layer takes is what every serializer of every layer can carry, and it arrives the same on
 * all of them:
 *
 * - Plain objects and arrays, at most {@link maxMessageDepth} deep and without cycles. Only an
 *   object's own enumerable properties count; one that is `undefined` is left out. An array has no
 *   `undefined` and no holes.
 * - Strings without lone surrogates, as values and as keys; booleans; `null`; any `Uint8Array`,
 *   which arrives as a plain one.
 * - Finite numbers; `-0` arrives as `0`. Bigints from -2⁶³ to 2⁶⁴-1. A whole number that fits those
 *   bounds arrives as a number when it is a safe integer, and as a bigint otherwise, whichever it was.
 * - Neither symbols as keys, nor the key `__proto__`, nor at the top `__asgi_channel__`, which
 *   Python's layers keep for themselves.
 * - At the top a `type`: a string that is not empty.
 *
 * @throws MillraceError `ERR_INVALID_MESSAGE`, which names the place within the message.
 */
export function sealMessage(message: unknown): LayerMessage {
  if (!isPlainObject(message)) throw refusal("message", { got: message, wanted: "a plain object with a type" });
  if (Object.hasOwn(message, "__asgi_channel__")) {
    throw refusal("message.__asgi_channel__", {
      wanted: "another key, because Python's layers keep this one for themselves",
    });
  }
  const sealed = sealObject(message, { container: message, outer: undefined, key: "message", depth: 1 });
  const { type } = sealed;
  if (typeof type === "string" && type !== "") return sealed as LayerMessage;
  throw new MillraceError("ERR_INVALID_MESSAGE", {
    happened: "A message needs a type",
    got: type,
    wanted: 'a string that is not empty, such as "chat.message", which calls the handler chat_message',
  });
}

function sealObject(object: object, place: Place): Readonly<Record<string, LayerValue>> {
  if (Object.getOwnPropertySymbols(object).length > 0) {
    throw refusal(pathOf(place), { wanted: "no symbols among the keys" });
  }
  const copy: Record<string, LayerValue> = {};
  // Own enumerable properties of a plain object; what they are is seen one by one.
  for (const [key, value] of Object.entries(object) as Array<[string, unknown]>) {
    if (value === undefined) continue;
    checkKey(key, place);
    copy[key] = seal(value, key, place);
  }
  return Object.freeze(copy);
}

function sealArray(array: readonly unknown[], place: Place): readonly LayerValue[] {
  const copy: LayerValue[] = [];
  for (let index = 0; index < array.length; index++) copy.push(seal(array[index], index, place));
  return Object.freeze(copy);
}

function seal(value: unknown, key: string | number, place: Place): LayerValue {
  switch (typeof value) {
    case "string":
      if (value.isWellFormed()) return value;
      // The text may be private, so it is not shown.
      throw refusal(pathTo(key, place), {
        wanted: "a string without lone surrogates",
        remedy: "Use toWellFormed() on it",
      });
    case "number":
      if (Number.isFinite(value)) return sealNumber(value);
      throw refusal(pathTo(key, place), {
        got: value,
        wanted: "a finite number",
        remedy: "Send null, or say it in a word",
      });
    case "bigint":
      return sealInteger(value, key, place);
    case "boolean":
      return value;
    case "object":
      return value === null ? null : sealContainer(value, key, place);
    default:
      throw refusal(pathTo(key, place), {
        got: value,
        wanted: "a value that can be written down",
        remedy: "Send null in its place",
      });
  }
}

function sealNumber(value: number): LayerValue {
  const isLargeInteger = Number.isInteger(value) && !Number.isSafeInteger(value);
  if (isLargeInteger && value >= -(2 ** 63) && value < 2 ** 64) return BigInt(value);
  // Adding 0 makes 0 of -0, which JSON does not tell apart.
  return value + 0;
}

function sealInteger(value: bigint, key: string | number, place: Place): LayerValue {
  if (value < -(2n ** 63n) || value >= 2n ** 64n) {
    throw refusal(pathTo(key, place), {
      got: value,
      wanted: "an integer from -2**63 to 2**64-1",
      remedy: "Send it as a string",
    });
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function sealContainer(value: object, key: string | number, place: Place): LayerValue {
  if (types.isUint8Array(value)) return new Uint8Array(value);
  const isArray = Array.isArray(value);
  if (!isArray && !isPlainObject(value)) {
    throw refusal(pathTo(key, place), {
      got: value,
      wanted: "a plain object, an array or a Uint8Array",
      remedy: remedyFor(value),
    });
  }
  const inner = { container: value, outer: place, key, depth: place.depth + 1 };
  for (let above: Place | undefined = place; above !== undefined; above = above.outer) {
    if (above.container === value)
      throw refusal(pathOf(inner), { wanted: `no cycle, but it is ${pathOf(above)} again` });
  }
  if (inner.depth > maxMessageDepth) {
    throw refusal(pathOf(inner), {
      wanted: `at most ${maxMessageDepth} levels`,
      remedy: "Send it flatter, or as a string",
    });
  }
  return isArray ? sealArray(value, inner) : sealObject(value, inner);
}

function checkKey(key: string, place: Place): void {
  if (key === "__proto__")
    throw refusal(pathTo(key, place), { wanted: "another key, because this one names a prototype" });
  if (!key.isWellFormed()) throw refusal(pathTo(key, place), { wanted: "a key without lone surrogates" });
}

/** Also true for an object of another realm, such as one that `structuredClone` made under a test runner. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

function remedyFor(value: object): string {
  if (value instanceof Date) return "Send toISOString() or getTime()";
  if (value instanceof Map) return "Send Object.fromEntries(map)";
  if (value instanceof Set) return "Send [...set]";
  if (value instanceof Promise) return "Await it first";
  if (value instanceof Error) return "Send its message";
  if (value instanceof ArrayBuffer) return "Send new Uint8Array(buffer)";
  if (ArrayBuffer.isView(value)) return "Send its bytes as a Uint8Array, or its values as an array";
  return "Send what the receiver needs of it, as a plain object";
}

const identifier = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

function pathTo(key: string | number, place: Place): string {
  if (typeof key === "number") return `${pathOf(place)}[${key}]`;
  return identifier.test(key) ? `${pathOf(place)}.${key}` : `${pathOf(place)}[${JSON.stringify(key)}]`;
}

function pathOf(place: Place): string {
  return place.outer === undefined ? "message" : pathTo(place.key, place.outer);
}

function refusal(path: string, details: Omit<ErrorDetails, "happened">): MillraceError {
  return new MillraceError("ERR_INVALID_MESSAGE", {
    happened: `${path} can't travel through a channel layer`,
    ...details,
  });
}
