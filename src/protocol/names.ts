import { createHash } from "node:crypto";
import { MillraceError } from "./errors.ts";

/** The longest name of a channel or group, in characters. Python's `channels` refuses longer ones. */
export const maxNameLength = 99;

const groupCharacters = /^[a-zA-Z0-9\-_.]+$/;
const localCharacters = /^[a-zA-Z0-9\-_.]*$/;

/**
 * Checks the name of a group: a string of 1 to 99 ASCII letters, digits, hyphens, underscores and
 * periods.
 *
 * @throws MillraceError `ERR_INVALID_NAME`, which says what rule was broken.
 */
export function checkGroupName(name: string): void {
  const broken = brokenRule(name) ?? brokenCharacters(name, groupCharacters);
  if (broken !== undefined) throw invalidName("group", name, broken);
}

/**
 * Checks the name of a channel: as a group's name, and it may end in one `!` and the part of the
 * name that is local to a process.
 *
 * @throws MillraceError `ERR_INVALID_NAME`, which says what rule was broken.
 */
export function checkChannelName(name: string): void {
  const broken = brokenRule(name) ?? brokenChannelRule(name);
  if (broken !== undefined) throw invalidName("channel", name, broken);
}

/**
 * A group's name for any texts: a room that users name, an account and a topic. Other texts give
 * another name. The parts are joined by periods; of each, letters, digits and hyphens stay as they
 * are, and every other byte of its UTF-8 is written as an underscore and two hexadecimal digits. A
 * name that would be too long is its SHA-256 instead, behind two underscores.
 *
 * @throws MillraceError `ERR_INVALID_NAME` for a text with a lone surrogate.
 * @example
 * ```ts
 * groupName("chat", "mill pond"); // chat.mill_20pond
 * ```
 */
export function groupName(...parts: readonly string[]): string {
  const name = parts.map(escapePart).join(".");
  if (name !== "" && name.length <= maxNameLength) return name;
  return `__${createHash("sha256").update(name).digest("base64url")}`;
}

/** The part of a channel's name that names a queue: up to and with its `!`, or all of it. */
export function nonLocalName(channel: string): string {
  const end = channel.indexOf("!");
  return end === -1 ? channel : channel.slice(0, end + 1);
}

function escapePart(part: string): string {
  if (!part.isWellFormed()) throw invalidName("group", part, "text without lone surrogates");
  return part.replace(/[^a-zA-Z0-9-]+/g, escapeBytes);
}

/** As `_20` for a space. */
function escapeBytes(text: string): string {
  return Buffer.from(text).toString("hex").replace(/../g, "_$&");
}

function brokenChannelRule(name: string): string | undefined {
  const mark = name.indexOf("!");
  if (mark === -1) return brokenCharacters(name, groupCharacters);
  if (mark === 0) return "a name before the '!'";
  const local = name.slice(mark + 1);
  if (local.includes("!")) return "one '!' at most";
  return brokenCharacters(name.slice(0, mark), groupCharacters) ?? brokenCharacters(local, localCharacters);
}

function brokenRule(name: unknown): string | undefined {
  if (typeof name !== "string") return "a string";
  if (name === "") return "at least one character";
  if (name.length > maxNameLength) return `at most ${maxNameLength} characters, not ${name.length}`;
  return undefined;
}

function brokenCharacters(name: string, allowed: RegExp): string | undefined {
  if (allowed.test(name)) return undefined;
  const wrong = Array.from(name).find((character) => !allowed.test(character)) ?? "";
  return `only ASCII letters, digits, hyphens, underscores and periods, not ${JSON.stringify(wrong)}`;
}

function invalidName(kind: "channel" | "group", got: unknown, wanted: string): MillraceError {
  return new MillraceError("ERR_INVALID_NAME", {
    happened: `That is no ${kind} name`,
    got,
    wanted,
  });
}
