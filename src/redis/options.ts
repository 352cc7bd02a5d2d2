import { MillraceError } from "../protocol/errors.ts";

/**
 * How a connection to Redis meets faults. All times are in seconds. Every layer on Redis takes
 * these options beside its own.
 */
export interface RedisConnectionOptions {
  /** For how long a connection may take to be made. @default 5 */
  readonly connectTimeout?: number;
  /**
   * While Redis is away commands wait for it; after this time one is refused with
   * `ERR_LAYER_UNAVAILABLE`. 0 refuses at once. @default 5
   */
  readonly offlineTimeout?: number;
  /** How many commands may wait for Redis, for each host; the next is refused. @default 10000 */
  readonly offlineCommands?: number;
  /** How many bytes the commands that wait for Redis may have, for each host. @default 16777216 */
  readonly offlineBytes?: number;
  /** How often a connection is asked whether it lives. @default 2 */
  readonly probeInterval?: number;
  /**
   * A connection that owes an answer and has sent nothing for this long is dead: it is dropped, and
   * what it owes is answered with `ERR_OUTCOME_UNKNOWN`. A dead connection on which nothing is sent
   * is thus noticed within `probeInterval` and `probeTimeout` together. @default 5
   */
  readonly probeTimeout?: number;
  /** After what time the first new attempt to connect is made; each next one waits twice as long. @default 0.05 */
  readonly retryDelay?: number;
  /** The longest time between two attempts to connect. @default 2 */
  readonly maxRetryDelay?: number;
}

/** The names of the options of {@link RedisConnectionOptions}. */
export const connectionOptionNames: readonly (keyof RedisConnectionOptions)[] = [
  "connectTimeout",
  "offlineTimeout",
  "offlineCommands",
  "offlineBytes",
  "probeInterval",
  "probeTimeout",
  "retryDelay",
  "maxRetryDelay",
];

/** The options of a connection, checked, with their defaults; times are in milliseconds. */
export interface ConnectionSettings {
  readonly connectTimeout: number;
  readonly offlineTimeout: number;
  readonly offlineCommands: number;
  readonly offlineBytes: number;
  readonly probeInterval: number;
  readonly probeTimeout: number;
  readonly retryDelay: number;
  readonly maxRetryDelay: number;
}

/**
 * Checks the options of a connection. It leaves alone what it does not know, which is for its
 * caller to refuse.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function readConnectionOptions(options: RedisConnectionOptions = {}): ConnectionSettings {
  return {
    connectTimeout: milliseconds("connectTimeout", options.connectTimeout ?? 5),
    offlineTimeout: milliseconds("offlineTimeout", options.offlineTimeout ?? 5, 0),
    offlineCommands: count("offlineCommands", options.offlineCommands ?? 10_000),
    offlineBytes: count("offlineBytes", options.offlineBytes ?? 16 * 1024 * 1024),
    probeInterval: milliseconds("probeInterval", options.probeInterval ?? 2),
    probeTimeout: milliseconds("probeTimeout", options.probeTimeout ?? 5),
    retryDelay: milliseconds("retryDelay", options.retryDelay ?? 0.05),
    maxRetryDelay: milliseconds("maxRetryDelay", options.maxRetryDelay ?? 2),
  };
}

/** The longest time that a timer of Node can wait, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

function milliseconds(option: string, seconds: unknown, least = 0.001): number {
  if (typeof seconds === "number" && seconds >= least && seconds * 1000 <= longestTimer) return seconds * 1000;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${option} is no time`,
    got: seconds,
    wanted: `seconds, as a number from ${least} to ${Math.floor(longestTimer / 1000)}`,
  });
}

function count(option: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${option} is no bound`,
    got: value,
    wanted: "a whole number, at least 0",
  });
}
