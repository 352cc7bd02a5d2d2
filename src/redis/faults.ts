import { isError, isMillraceError, MillraceError } from "../protocol/errors.ts";

/** What to do about an error of Redis, by its first word. */
const remedies: Readonly<Record<string, string>> = {
  BUSY: "A script runs for too long: look at SCRIPT KILL and at busy-reply-threshold",
  CLUSTERDOWN: "The cluster does not serve all of its slots: look at CLUSTER INFO",
  CROSSSLOT: "The keys of one command lie in different slots: this layer can't run on a Redis Cluster",
  DENIED: "Redis is in protected mode: give it a password, or bind it to a private address",
  LOADING: "Redis is reading its data and will be ready in a while",
  MASTERDOWN: "The replica has lost its master: name the master, or its sentinels, in hosts",
  MISCONF: "Redis can't write to its disk: make room, or look at its log",
  NOAUTH: "Give the password in hosts",
  NOREPLICAS: "Too few replicas follow the master: look at them, and at min-replicas-to-write",
  NOPERM: "Allow the user this command, key or channel: look at ACL LIST",
  OOM: "Redis is full: raise its maxmemory, or find what fills it",
  READONLY: "That is a replica: name the master, or its sentinels, in hosts",
  WRONGPASS: "Correct the user or the password in hosts",
  WRONGTYPE: "Something else keeps data under these keys: give the layer a prefix of its own",
};

/** What Redis answers when a user may run a script, and not what the script does. */
const missesRight = /^ERR The user executing the script can't /;

/** Refusals of a login, which last until somebody changes a configuration. */
const lasting = new Set(["DENIED", "NOAUTH", "WRONGPASS"]);

/** Thrown by a connection to a server that is no master. */
export const replicaMessage = "READONLY The server is a replica";

/** Redis can't be reached, and nothing was sent. */
export function unavailable(address: string, cause: unknown): MillraceError {
  if (isReply(cause)) return refused(address, cause);
  const why = isError(cause) ? `: ${plainMessage(cause)}` : "";
  return new MillraceError("ERR_LAYER_UNAVAILABLE", {
    happened: `Can't reach Redis at ${address}, and nothing was sent${why}`,
    remedy: "Start it, or correct hosts",
    cause: withoutCommand(cause),
  });
}

/** A connection was lost that was well. */
export function lost(address: string, cause: unknown): MillraceError {
  const why = isError(cause) ? `: ${plainMessage(cause)}` : "";
  return new MillraceError("ERR_LAYER_UNAVAILABLE", {
    happened: `Lost the connection to Redis at ${address}${why}`,
    remedy: "Another is made as soon as Redis lets it",
    cause: withoutCommand(cause),
  });
}

/** More waits for Redis than may, and this was not sent. */
export function tooMuchWaits(address: string, cause: unknown): MillraceError {
  return new MillraceError("ERR_LAYER_UNAVAILABLE", {
    happened: `Redis at ${address} is away, and as much waits for it as may; this was not sent`,
    remedy: "Send again later, or raise offlineCommands and offlineBytes",
    cause: withoutCommand(cause),
  });
}

/** A command was sent, and the connection was lost before its answer came. */
export function outcomeUnknown(address: string, command: string, cause: unknown): MillraceError {
  return new MillraceError("ERR_OUTCOME_UNKNOWN", {
    happened: `Redis at ${address} was lost before it answered ${command}, which may or may not have been carried out`,
    remedy: "Send again only what does no harm when it arrives twice",
    cause: withoutCommand(cause),
  });
}

/** Redis answered with an error. */
export function refused(address: string, cause: Error, command = "the connection"): MillraceError {
  return new MillraceError("ERR_REDIS", {
    happened: `Redis at ${address} refused ${command}: ${plainMessage(cause)}`,
    remedy:
      remedies[missesRight.test(cause.message) ? "NOPERM" : firstWord(cause)] ?? "The cause is what Redis answered",
    cause: withoutCommand(cause),
  });
}

/** Whether an error is an answer of Redis: the command was received, and refused. */
export function isReply(error: unknown): error is Error {
  return isError(error) && error.name === "ReplyError";
}

/** Whether an error says only that a connection was lost or can't be made, as the condition of a layer does. */
export function isLoss(error: unknown): boolean {
  return isMillraceError(error, "ERR_OUTCOME_UNKNOWN") || isMillraceError(error, "ERR_LAYER_UNAVAILABLE");
}

/** Whether no new attempt helps before somebody changes a configuration. */
export function isLasting(error: unknown): boolean {
  return isReply(error) && lasting.has(firstWord(error));
}

/** Whether Redis answered with an error of this first word. */
export function isReplyOf(error: unknown, word: string): boolean {
  return isReply(error) && firstWord(error) === word;
}

/** An answer of Redis that this library gives in its place. */
export function replyError(message: string): Error {
  const error = new Error(message);
  error.name = "ReplyError";
  return error;
}

function firstWord(error: Error): string {
  return /^-?([A-Z]+)/.exec(error.message)?.[1] ?? "";
}

function plainMessage(error: Error): string {
  // Where a name has several addresses, Node's error has no message of its own.
  const message = error.message === "" && "code" in error ? String(error.code) : error.message;
  return message.replace(/\.$/, "");
}

/** ioredis leaves the command in its errors, with a password or a message among its arguments. */
function withoutCommand(error: unknown): unknown {
  if (typeof error === "object" && error !== null && "command" in error) delete error.command;
  return error;
}
