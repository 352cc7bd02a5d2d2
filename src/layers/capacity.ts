import type { ChannelCapacity } from "../protocol/channel-layer.ts";
import { MillraceError, show } from "../protocol/errors.ts";

/** How many messages may wait on a channel, by the channel's name. */
export type CapacityOf = (channel: string) => number;

/**
 * Compiles the capacities of a layer. The first pattern that matches a channel's whole name counts,
 * else the general capacity. A record is tried in the order of its keys, where JavaScript puts those
 * that are whole numbers first; pairs keep whatever order they have.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` for a pattern or a capacity that can't be used.
 */
export function compileCapacity(capacity: number, patterns: ChannelCapacity = {}): CapacityOf {
  checkCapacity("capacity", capacity);
  const rules = entriesOf(patterns).map(([pattern, value]) => {
    checkCapacity(`channelCapacity[${show(pattern)}]`, value);
    return { expression: compilePattern(pattern), capacity: value };
  });
  if (rules.length === 0) return () => capacity;
  return (channel) => rules.find(({ expression }) => expression.test(channel))?.capacity ?? capacity;
}

function entriesOf(patterns: ChannelCapacity): ReadonlyArray<readonly [pattern: string | RegExp, capacity: number]> {
  // Those who write JavaScript may give anything.
  const given: unknown = patterns;
  if (typeof given !== "object" || given === null || given instanceof Map || given instanceof RegExp) {
    throw wrongPatterns(given);
  }
  if (!isPairs(patterns)) return Object.entries(patterns);
  for (const pair of patterns as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrongPatterns(pair);
  }
  return patterns;
}

function isPairs(patterns: ChannelCapacity): patterns is ReadonlyArray<readonly [string | RegExp, number]> {
  return Array.isArray(patterns);
}

function checkCapacity(option: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) > 0) return;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${option} is no capacity`,
    got: value,
    wanted: "a whole number of messages, at least 1",
  });
}

function compilePattern(pattern: string | RegExp): RegExp {
  // Without g and y, which make an expression remember where it last matched.
  if (pattern instanceof RegExp) return new RegExp(`^(?:${pattern.source})`, pattern.flags.replace(/[gy]/g, ""));
  if (typeof pattern !== "string" || pattern === "") throw wrongPattern(pattern, "a glob or a regular expression");
  return new RegExp(`^${translateGlob(pattern)}$`, "su");
}

const globPart = /(?<any>\*+)|(?<one>\?)|\[(?<not>!?)(?<set>\]?[^\]]*)\]|(?<rest>[^])/gu;

function translateGlob(glob: string): string {
  let expression = "";
  for (const { groups = {} } of glob.matchAll(globPart)) {
    if (groups["any"] !== undefined) expression += ".*";
    else if (groups["one"] !== undefined) expression += ".";
    else if (groups["set"] !== undefined) expression += translateSet(glob, groups["not"] === "!", groups["set"]);
    else if (groups["rest"] === "[") throw wrongPattern(glob, "a ']' for each '['");
    else expression += (groups["rest"] ?? "").replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
  }
  return expression;
}

function translateSet(glob: string, negated: boolean, set: string): string {
  const characters = Array.from(set);
  let expression = "";
  for (let at = 0; at < characters.length; at++) {
    const first = characters[at] ?? "";
    const last = characters[at + 1] === "-" ? characters[at + 2] : undefined;
    if (last === undefined) {
      expression += inSet(first);
      continue;
    }
    if (first > last) throw wrongPattern(glob, `a range that runs upwards, not ${first}-${last}`);
    expression += `${inSet(first)}-${inSet(last)}`;
    at += 2;
  }
  if (expression === "") throw wrongPattern(glob, "at least one character between '[' and ']'");
  return `[${negated ? "^" : ""}${expression}]`;
}

function inSet(character: string): string {
  return /[\\^\]-]/u.test(character) ? `\\${character}` : character;
}

function wrongPatterns(got: unknown): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", {
    happened: "channelCapacity can't be used",
    got,
    wanted: 'a record such as { "jobs.*": 1000 }, or pairs such as [[/^jobs\\./, 1000]]',
  });
}

function wrongPattern(got: unknown, wanted: string): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened: "channelCapacity has a bad pattern", got, wanted });
}
