import { MillraceError } from "../protocol/errors.ts";
import { checkChannelName } from "../protocol/names.ts";
import { isNamedChannel } from "./job-keys.ts";

/** Options of the layers that can keep jobs for workers. */
export interface JobOptions {
  /**
   * How many jobs Redis keeps of one worker channel, those that were set aside among them. Beyond it
   * `send` rejects with `ERR_CHANNEL_FULL`. Jobs have no other bound: neither `capacity` nor
   * `expiry` is for them. @default 10000
   */
  readonly jobCapacity?: number;
  /**
   * Channels whose messages are kept for workers though none has run yet. A channel that a worker
   * has served once needs no mention. @default []
   */
  readonly workerChannels?: readonly string[];
}

/** The names of the options of {@link JobOptions}. */
export const jobOptionNames: readonly (keyof JobOptions)[] = ["jobCapacity", "workerChannels"];

/** The options for jobs, checked, with their defaults. */
export interface JobSettings {
  readonly capacity: number;
  readonly declared: ReadonlySet<string>;
}

/** @throws MillraceError `ERR_INVALID_OPTION` or `ERR_INVALID_NAME`. */
export function readJobOptions({ jobCapacity = 10_000, workerChannels = [] }: JobOptions): JobSettings {
  if (!Number.isSafeInteger(jobCapacity) || jobCapacity < 1) {
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: "jobCapacity is no capacity",
      got: jobCapacity,
      wanted: "a whole number of jobs, at least 1",
    });
  }
  if (!Array.isArray(workerChannels)) {
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: "workerChannels is no list",
      got: workerChannels,
      wanted: 'names of channels, such as ["thumbnails"]',
    });
  }
  // Those who write JavaScript may give anything; what is no name is refused as none.
  const channels = workerChannels as readonly string[];
  for (const channel of channels) checkWorkerChannel(channel);
  return { capacity: jobCapacity, declared: new Set(channels) };
}

/**
 * Checks the name of a channel that workers are to serve.
 *
 * @throws MillraceError `ERR_INVALID_NAME`.
 */
export function checkWorkerChannel(channel: string): void {
  checkChannelName(channel);
  if (isNamedChannel(channel)) return;
  throw new MillraceError("ERR_INVALID_NAME", {
    happened: "A channel of this name belongs to one consumer, and no worker can serve it",
    got: channel,
    wanted: "a name without '!' that does not end in a period and 32 hexadecimal digits",
  });
}
