/** A text, and what it is the text of: the same content has the same text. */
interface Remembered {
  readonly text: string;
  /** What it was made of, where that can't have changed since. */
  readonly content: object | undefined;
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

let last: Remembered | undefined;
let asked = 0;

/**
 * The JSON of a value, as `JSON.stringify` gives it. A message to a group is encoded by each member,
 * one after the other, and nearly always to the same text: the text of equal content that is asked
 * for again before anything else runs is not made again. What could change unseen is never taken for equal.
 */
export function jsonText(content: unknown): string | undefined {
  if (typeof content !== "object" || content === null) return JSON.stringify(content);
  if (last !== undefined && isOf(last, content)) return last.text;
  // Where there is nothing but bigints and functions is no text.
  const text = JSON.stringify(content) as string | undefined;
  // It lives no longer than the messages that it is for. A single one is not worth remembering.
  if (asked++ === 0) queueMicrotask(forget);
  else if (text !== undefined) last = remembered(text, content) ?? last;
  return text;
}

function forget(): void {
  last = undefined;
  asked = 0;
}

function isOf({ content, keys, values }: Remembered, other: object): boolean {
  if (content !== undefined) return content === other;
  if (!isRecord(other)) return false;
  let at = 0;
  for (const key in other) {
    if (key !== keys[at] || other[key] !== values[at]) return false;
    at++;
  }
  return at === keys.length;
}

/** Remembers what has no part that could change unseen. */
function remembered(text: string, content: object): Remembered | undefined {
  if (isFixed(content)) return { text, content, keys: [], values: [] };
  const properties = isRecord(content) ? fixedProperties(content) : undefined;
  if (properties === undefined) return undefined;
  return { text, content: undefined, keys: [...properties.keys()], values: [...properties.values()] };
}

/** Whether a value stays as it is: a message of a layer is frozen through and through. */
function isFixed(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value !== "object") return ["string", "number", "boolean"].includes(typeof value);
  return Object.isFrozen(value) && (isRecord(value) || isList(value)) && fixedProperties(value) !== undefined;
}

/** What JSON has of an object, if all of it stays as it is. A getter may say something else the next time. */
function fixedProperties(object: object): ReadonlyMap<string, unknown> | undefined {
  const properties = new Map<string, unknown>();
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
    if (property.enumerable !== true) continue;
    if (!("value" in property) || !isFixed(property.value)) return undefined;
    properties.set(key, property.value);
  }
  return properties;
}

/** Whether it is an object as literals make them, which says nothing of its own on its JSON. */
function isRecord(value: object): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype && !("toJSON" in value);
}

function isList(value: object): boolean {
  return Array.isArray(value) && !("toJSON" in value);
}
