import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { checkWorkerChannel } from "../layers/job-options.ts";

/** Options of `runWorker`. All times are in milliseconds. */
export interface WorkerOptions {
  /** The channels that it works off, by their names in the application's `ChannelNameRouter`. */
  readonly channels: readonly string[];
  /** The layers of its consumers, by alias. They stay their owner's to close. */
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  /** The alias of the layer through which jobs come. @default "default" */
  readonly layerAlias?: string;
  /** How many jobs of each channel run at once in this process. @default 1 */
  readonly concurrency?: number;
  /** How often a job is tried before it is set aside. @default 5 */
  readonly maxAttempts?: number;
  /**
   * After what time the jobs of a worker that died are another's. A worker that lives renews its jobs
   * three times as often, however long they run; its event loop must not stand still for longer.
   * @default 30000
   */
  readonly lease?: number;
  /** After what time a job is tried again that failed for the first time; each next time is twice as long. @default 1000 */
  readonly retryDelay?: number;
  /** The longest time between two tries. @default 300000 */
  readonly maxRetryDelay?: number;
  /** How long jobs may go on when the worker stops. Those that have not ended are given back. @default 10000 */
  readonly shutdownTimeout?: number;
  /** How often the backlog of each channel is published. @default 10000 */
  readonly backlogInterval?: number;
}

/** The options of a worker, checked, with their defaults. */
export type WorkerSettings = Required<WorkerOptions>;

const known: Readonly<Record<keyof WorkerOptions, true>> = {
  channels: true,
  layers: true,
  layerAlias: true,
  concurrency: true,
  maxAttempts: true,
  lease: true,
  retryDelay: true,
  maxRetryDelay: true,
  shutdownTimeout: true,
  backlogInterval: true,
};

/** @throws MillraceError `ERR_INVALID_OPTION` or `ERR_INVALID_NAME`. */
export function checkWorkerOptions(options: WorkerOptions): WorkerSettings {
  // Those who write JavaScript may give anything.
  const given: unknown = options;
  if (typeof given !== "object" || given === null) throw invalid("Those are no options", given, "an object");
  for (const name of Object.keys(given)) {
    if (name in known) continue;
    const happened = `A worker has no option ${JSON.stringify(name)}${didYouMean(name, Object.keys(known))}`;
    throw new MillraceError("ERR_INVALID_OPTION", { happened, wanted: Object.keys(known).join(", ") });
  }
  return {
    channels: channelsOf(options.channels),
    layers: options.layers,
    layerAlias: options.layerAlias ?? "default",
    concurrency: count("concurrency", options.concurrency ?? 1, 10_000),
    maxAttempts: count("maxAttempts", options.maxAttempts ?? 5, 1_000_000),
    lease: time("lease", options.lease ?? 30_000, 100),
    retryDelay: time("retryDelay", options.retryDelay ?? 1000),
    maxRetryDelay: time("maxRetryDelay", options.maxRetryDelay ?? 300_000),
    shutdownTimeout: time("shutdownTimeout", options.shutdownTimeout ?? 10_000),
    backlogInterval: time("backlogInterval", options.backlogInterval ?? 10_000, 100),
  };
}

function channelsOf(channels: unknown): readonly string[] {
  if (!Array.isArray(channels) || channels.length === 0) {
    throw invalid("channels names none", channels, 'a list of at least one channel, such as ["thumbnails"]');
  }
  // What is no name is refused as none.
  const names = channels as readonly string[];
  for (const name of names) checkWorkerChannel(name);
  return [...new Set(names)];
}

/** The longest time that a timer of Node can wait. */
const longestTimer = 2 ** 31 - 1;

function time(option: string, value: unknown, least = 0): number {
  if (typeof value === "number" && value >= least && value <= longestTimer) return value;
  throw invalid(`${option} is no time`, value, `milliseconds from ${least} to ${longestTimer}`);
}

function count(option: string, value: unknown, most: number): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most) return Number(value);
  throw invalid(`${option} can't be used`, value, `a whole number from 1 to ${most}`);
}

function invalid(happened: string, got: unknown, wanted: string): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened, got, wanted });
}
