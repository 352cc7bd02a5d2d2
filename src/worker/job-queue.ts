import { JobKeys } from "../layers/job-keys.ts";
import { checkWorkerChannel } from "../layers/job-options.ts";
import { type JobSite, jobSiteOf } from "../layers/job-site.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { Link } from "../redis/link.ts";
import { decodeJob, type Job, type JobState, type StoredJob } from "./job.ts";
import { JobLists } from "./job-lists.ts";
import { discard, purge, requeue } from "./job-scripts.ts";
import { countAll, hostOf, type JobCounts } from "./job-store.ts";

/** How many jobs are moved or dropped in one step. */
const batchSize = 100;

/**
 * The jobs of one worker channel, for those who operate it: what waits, runs, is to be tried again
 * and was set aside. It has a connection of its own, which {@link close} ends; the layer stays open.
 * All calls reject with `ERR_LAYER_UNAVAILABLE`, `ERR_OUTCOME_UNKNOWN` or `ERR_REDIS` when Redis
 * does not do as it is told.
 *
 * @example
 * ```ts
 * await using jobs = new JobQueue(layer, "thumbnails");
 * for (const { id, error } of await jobs.list("aside")) note(id, error);
 * await jobs.requeueAll();
 * ```
 */
export class JobQueue implements AsyncDisposable {
  readonly channel: string;
  readonly #site: JobSite;
  readonly #keys: JobKeys;
  readonly #link: Link;
  readonly #lists: JobLists;

  /** @throws MillraceError `ERR_INVALID_OPTION` for a layer that keeps no jobs, `ERR_INVALID_NAME`. */
  constructor(layer: ChannelLayer, channel: string) {
    checkWorkerChannel(channel);
    this.channel = channel;
    this.#site = jobSiteOf(layer);
    this.#keys = new JobKeys(this.#site.prefix, channel);
    const endpoint = this.#site.endpoints[hostOf(this.#site, channel)];
    if (endpoint === undefined) throw new RangeError("A layer has at least one host");
    this.#link = new Link(endpoint, this.#site.connection, { name: "millrace-jobs" });
    this.#lists = new JobLists(this.#link, this.#keys);
  }

  /** Whether messages to the channel are kept, because it has or had workers, or was declared to. */
  async exists(): Promise<boolean> {
    return (await this.#link.call("EXISTS", this.#keys.jobs)) === 1;
  }

  /** How many jobs there are in each state. */
  count(): Promise<JobCounts> {
    return countAll(this.#link, this.#keys);
  }

  /** The jobs in a state, the oldest first. @param limit is how many at most. */
  async list(state: JobState, limit = 100): Promise<readonly Job[]> {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      const wanted = "a whole number of jobs, at least 1";
      throw new MillraceError("ERR_INVALID_OPTION", { happened: "limit can't be used", got: limit, wanted });
    }
    const stored = await this.#lists.list(state, limit);
    return stored.map((job) => this.#open(job).job);
  }

  /** One job with its message, which is missing when it can't be read; `undefined` when there is no such job. */
  async find(id: string): Promise<(Job & { readonly message?: LayerMessage }) | undefined> {
    const stored = await this.#lists.find(checkId(id));
    if (stored === undefined) return undefined;
    const { job, message } = this.#open(stored);
    return message === undefined ? job : { ...job, message };
  }

  /** Lets a job that was set aside run again, as a new one. Says whether there was such a job. */
  async requeue(id: string): Promise<boolean> {
    return (await this.#requeue([checkId(id)])) === 1;
  }

  /** The same for all that are set aside now. Gives how many they were. */
  async requeueAll(): Promise<number> {
    return this.#each((ids) => this.#requeue(ids));
  }

  /** Drops a job that is set aside, waits or is to be tried again; one that runs stays. Says whether it did. */
  async discard(id: string): Promise<boolean> {
    return (await this.#discard([checkId(id)])) === 1;
  }

  /** Drops all jobs that are set aside. Gives how many they were. */
  async discardAll(): Promise<number> {
    return this.#each((ids) => this.#discard(ids));
  }

  /**
   * Drops all jobs of the channel, whatever their state, and forgets that it has workers: until one
   * serves it again, messages to it are not kept. What runs goes on to its end. Gives how many jobs
   * there were.
   */
  async purge(): Promise<number> {
    const { jobs, aside, retries, failures } = this.#keys;
    return Number(await purge.run(this.#link, [jobs, aside, retries, failures]));
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(stored: StoredJob): { readonly job: Job; readonly message?: LayerMessage } {
    return decodeJob(stored, this.#site.codec);
  }

  async #requeue(ids: readonly string[]): Promise<number> {
    const { aside, jobs, failures } = this.#keys;
    return Number(await requeue.run(this.#link, [aside, jobs, failures], ids));
  }

  async #discard(ids: readonly string[]): Promise<number> {
    const { jobs, retries, failures, aside } = this.#keys;
    return Number(await discard.run(this.#link, [jobs, retries, failures, aside], ids));
  }

  /** All that are set aside now, so that one that fails again at once is not met twice. */
  async #each(act: (ids: readonly string[]) => Promise<number>): Promise<number> {
    const ids = await this.#lists.asideIds();
    let count = 0;
    for (let at = 0; at < ids.length; at += batchSize) count += await act(ids.slice(at, at + batchSize));
    return count;
  }
}

function checkId(id: string): string {
  if (typeof id === "string" && /^\d+-\d+$/.test(id)) return id;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: "That is no id of a job",
    got: id,
    wanted: "two numbers with a hyphen between them, such as 1700000000000-0",
  });
}
