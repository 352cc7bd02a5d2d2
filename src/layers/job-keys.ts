/** The consumer group of every worker channel's stream. */
export const jobGroup = "workers";

/** The field of a stream's entry that holds the message, written by the layer's codec. */
export const messageField = "m";

/**
 * Where Redis keeps the jobs of one worker channel. No name of a channel or group can give one of
 * these keys, and on a cluster all of them lie in one slot.
 */
export class JobKeys {
  /** The stream of jobs that wait, run or are to be tried again. That it exists makes the channel a worker channel. */
  readonly jobs: string;
  /** The messages of jobs that were set aside: a hash by their ids. */
  readonly aside: string;
  /** Jobs that are to be tried again, by the time for it: a sorted set of their ids. */
  readonly retries: string;
  /** What is known of jobs that have failed: a hash by their ids of how often they were tried, when last, why they stopped, and the error. */
  readonly failures: string;
  /** Who moves what Python sends to the channel. */
  readonly bridge: string;

  /** @param prefix is the layer's. */
  constructor(prefix: string, channel: string) {
    // The braces are a cluster's: the channel's name alone decides the slot, as it does for the channel itself.
    this.jobs = `${jobKeyPrefix(prefix)}{${channel}}`;
    this.aside = `${this.jobs}:aside`;
    this.retries = `${this.jobs}:retries`;
    this.failures = `${this.jobs}:failures`;
    this.bridge = `${this.jobs}:bridge`;
  }
}

/** What the keys of all worker channels of a layer begin with. */
export function jobKeyPrefix(prefix: string): string {
  return `${prefix}:worker:`;
}

/** Whether a channel may have workers: one that has a name, and is not a consumer's own. */
export function isNamedChannel(channel: string): boolean {
  // Both layers, Python's too, end the names of consumers' own channels in one of these ways.
  return !channel.includes("!") && !/\.[0-9a-f]{32}$/.test(channel);
}
