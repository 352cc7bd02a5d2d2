import { types } from "node:util";

/**
 * Every way in which Millrace says no, by code. The list is closed: a program may switch on it,
 * and `docs/reference/errors.md` holds the same list.
 */
export const errorCodes = {
  ERR_INVALID_OPTION: "An option, argument or class field has a value that can't be used.",
  ERR_INVALID_NAME: "The name of a channel or group breaks a name rule.",
  ERR_INVALID_MESSAGE: "A message holds something that can't travel through a channel layer.",
  ERR_MESSAGE_TOO_LARGE: "A message for a channel layer is larger than maxMessageSize allows.",
  ERR_CHANNEL_FULL: "A channel holds as many unhandled messages as its capacity allows.",
  ERR_CHANNEL_CLOSED: "Nobody receives the channel here: its consumer has ended, or has not begun.",
  ERR_LAYER_CLOSED: "The channel layer has been closed.",
  ERR_LAYER_UNAVAILABLE: "The channel layer can't reach Redis, and nothing was sent.",
  ERR_OUTCOME_UNKNOWN: "Redis was lost before it answered; what was sent may or may not have arrived.",
  ERR_REDIS: "Redis refused a command or a login.",
  ERR_NO_CHANNEL_LAYER: "No channel layer is configured under that alias.",
  ERR_NO_ROUTE: "No route matches the protocol, path or channel.",
  ERR_INVALID_ROUTE: "A route's pattern or target can't be used.",
  ERR_INVALID_PATH: "A request's path has a malformed percent sign or is no path.",
  ERR_WRONG_PROTOCOL: "An application was given a scope of a protocol that it does not serve.",
  ERR_PROTOCOL_STATE: "An event was sent at a time when the protocol does not allow it.",
  ERR_INVALID_EVENT: "An event's type or content is not what the protocol defines.",
  ERR_SUBPROTOCOL_NOT_OFFERED: "The accepted subprotocol is none of those that the client offered.",
  ERR_INVALID_CLOSE: "A close code or close reason can't be put into a close frame.",
  ERR_INVALID_HEADER: "A header's name or value can't be sent.",
  ERR_INVALID_HANDLER: "A class declares a handler that does not exist or can't be reached.",
  ERR_NO_CONNECTION: "A consumer's connection was used, but nothing has connected it yet.",
  ERR_NO_RESPONSE: "An HTTP application ended without a response.",
  ERR_THROWN_VALUE: "Something that is not an Error was thrown; it is the cause.",
  ERR_UNEXPECTED_EVENT: "A communicator was waiting for another event than the one that came.",
  ERR_TIMEOUT: "Something that was waited for did not happen in time.",
  ERR_LISTEN: "The server can't listen on that address.",
  ERR_STARTUP_FAILED: "The application's start-up hook failed, so nothing was served.",
  ERR_INVALID_MODULE: "A module can't be loaded or exports no application.",
} as const;

/** A code of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** What an error tells, in the order in which the sentence is put together. */
export interface ErrorDetails {
  /** What happened, without a full stop. */
  readonly happened: string;
  /** The value that was got; it is shown shortened. Leave it out where it may hold a secret. */
  readonly got?: unknown;
  /** What would have been right. */
  readonly wanted?: string;
  /** What the reader can do about it. */
  readonly remedy?: string;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/**
 * The one class of Millrace's errors. Recognise an error by its `code`, not by `instanceof`: two
 * copies of the package in one process then agree.
 */
export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(sentence(details), "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
  }
}

/** Tells whether something caught is a {@link MillraceError}, of any copy of the package. */
export function isMillraceError(value: unknown, code?: ErrorCode): value is MillraceError {
  // Node has errors with codes of its own, and with some of the same.
  if (!isError(value) || value.name !== "MillraceError") return false;
  if (!("code" in value) || typeof value.code !== "string") return false;
  return code === undefined ? Object.hasOwn(errorCodes, value.code) : value.code === code;
}

/** Makes an Error of whatever was thrown, so that it can be reported once and rejected with. */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new MillraceError("ERR_THROWN_VALUE", {
    happened: "Something that is not an Error was thrown",
    got: thrown,
    wanted: "an Error, which carries a stack trace",
    cause: thrown,
  });
}

/** Whether a value is an Error. A test's environment has an Error of its own, of which Node's are no instances. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function sentence(details: ErrorDetails): string {
  const parts = [details.happened];
  if ("got" in details) parts.push(`; got ${show(details.got)}`);
  if (details.wanted !== undefined) parts.push(`; wanted ${details.wanted}`);
  parts.push(".");
  if (details.remedy !== undefined) parts.push(` ${details.remedy}.`);
  return parts.join("");
}

const shownLength = 120;

/** A value in a few characters, for the reader of an error message. */
export function show(value: unknown): string {
  const text = describe(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}… (${text.length} characters)` : text;
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return value.name === "" ? "a function without a name" : `the function ${value.name}`;
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  try {
    if (isError(value)) return `${value.name}: ${value.message}`;
    const kind: unknown = value.constructor?.name;
    if (typeof kind === "string" && kind !== "Object" && kind !== "") return `an object of class ${kind}`;
    // What has a toJSON of its own may give nothing.
    return JSON.stringify(value) ?? "an object";
  } catch {
    return "an object";
  }
}
