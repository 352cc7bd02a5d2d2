import { jobGroup, type JobKeys } from "../layers/job-keys.ts";
import type { JobSite } from "../layers/job-site.ts";
import type { AsideReason } from "../protocol/diagnostics.ts";
import { consistentHash } from "../redis/consistent-hash.ts";
import type { Link } from "../redis/link.ts";
import { countJobs, finish, leave, renew, retry, setAside, take } from "./job-scripts.ts";

/** A job as Redis gave it to a worker. */
export interface TakenJob {
  /** Stays the same however often the job is tried. */
  readonly id: string;
  /** 1 the first time. */
  readonly attempt: number;
  /** The message, as the layer's codec wrote it. */
  readonly frame: Buffer;
}

/**
 * What became of the wish to end a job: it is carried out; another worker has the job; or there is
 * no such job, be it that the wish was carried out before.
 */
export type Settled = "settled" | "taken over" | "gone";

/** How many jobs a channel has. */
export interface JobCounts {
  /** Nobody has tried them yet. */
  readonly waiting: number;
  readonly running: number;
  /** They failed, and are to be tried again. */
  readonly retrying: number;
  /** They wait for an operator. */
  readonly aside: number;
  /** How long ago the oldest was sent that is not done, in milliseconds; those set aside don't count. */
  readonly oldest: number;
}

/** On which host a layer keeps the jobs of a channel. */
export function hostOf(site: JobSite, channel: string): number {
  return consistentHash(channel, site.endpoints.length);
}

/** The jobs of one channel, as one worker sees them. All calls reject as {@link Link.call} does. */
export class JobStore {
  readonly #link: Link;
  readonly #keys: JobKeys;
  readonly #worker: string;
  readonly #lease: number;

  /**
   * @param worker is the worker's name in Redis, which no other has.
   * @param lease is for how long a job is the worker's without being renewed, in milliseconds.
   */
  constructor(link: Link, keys: JobKeys, worker: string, lease: number) {
    this.#link = link;
    this.#keys = keys;
    this.#worker = worker;
    this.#lease = lease;
  }

  /**
   * Takes jobs that are there now.
   *
   * @param running are the ids of the jobs that the worker runs already.
   * @param mayHaveMissed says that an answer with jobs may have been lost.
   * @returns the jobs, and in how many milliseconds the next try of one is due.
   */
  async take(
    count: number,
    running: readonly string[],
    mayHaveMissed: boolean,
  ): Promise<{ readonly jobs: readonly TakenJob[]; readonly nextTry: number }> {
    const { jobs, retries, failures } = this.#keys;
    const wish = [this.#worker, this.#lease, count, mayHaveMissed ? 1 : 0, ...running];
    const answer = await take.runBuffer(this.#link, [jobs, retries, failures], wish);
    // What the script says that it gives.
    const [taken, nextTry] = answer as readonly [ReadonlyArray<readonly [Buffer, number, Buffer]>, number];
    return {
      jobs: taken.map(([id, attempt, frame]) => ({ id: id.toString(), attempt, frame })),
      nextTry: nextTry < 0 ? Infinity : nextTry,
    };
  }

  /**
   * Waits for new jobs.
   *
   * @param link is for nothing else, because what stands behind waits with it.
   */
  async waitForNew(link: Link, count: number, milliseconds: number): Promise<readonly TakenJob[]> {
    const { jobs } = this.#keys;
    const block = ["COUNT", count, "BLOCK", Math.max(1, Math.round(milliseconds)), "STREAMS", jobs, ">"];
    const answer = await link.callBuffer("XREADGROUP", "GROUP", jobGroup, this.#worker, ...block);
    if (!Array.isArray(answer)) return [];
    // The stream's key and its entries, each an id with a list of fields and values: as they are, or as
    // the only item of a list, by the version of the protocol.
    const [, entries] = (Array.isArray(answer[0]) ? answer[0] : answer) as unknown as readonly [
      Buffer,
      ReadonlyArray<readonly [Buffer, readonly [Buffer, Buffer]]>,
    ];
    return entries.map(([id, [, frame]]) => ({ id: id.toString(), attempt: 1, frame }));
  }

  /** Renews jobs, and gives the ids of those that another worker has by now. */
  async renew(ids: readonly string[]): Promise<readonly string[]> {
    return (await renew.run(this.#link, [this.#keys.jobs], [this.#worker, ...ids])) as readonly string[];
  }

  async finish(id: string): Promise<Settled> {
    const { jobs, retries, failures } = this.#keys;
    return (await finish.run(this.#link, [jobs, retries, failures], [this.#worker, id])) as Settled;
  }

  /** Whether Redis hears at once what it is told. */
  get reachable(): boolean {
    return this.#link.up;
  }

  /** @param delay in milliseconds. */
  async retry({ id, attempt }: TakenJob, delay: number, error: string): Promise<Settled> {
    const { jobs, retries, failures } = this.#keys;
    const wish = [this.#worker, id, attempt, Math.round(delay), error];
    return (await retry.run(this.#link, [jobs, retries, failures], wish)) as Settled;
  }

  /** @param attempts is how often it was tried. */
  async setAside(id: string, attempts: number, reason: AsideReason, error: string): Promise<Settled> {
    const { jobs, retries, failures, aside } = this.#keys;
    const wish = [this.#worker, id, attempts, reason, error];
    return (await setAside.run(this.#link, [jobs, retries, failures, aside], wish)) as Settled;
  }

  count(): Promise<JobCounts> {
    return countAll(this.#link, this.#keys);
  }

  /** Forgets the worker, unless it has jobs still, or Redis is away. */
  async leave(): Promise<void> {
    if (this.#link.up) await leave.run(this.#link, [this.#keys.jobs], [this.#worker]);
  }
}

export async function countAll(link: Link, { jobs, retries, aside }: JobKeys): Promise<JobCounts> {
  // Five whole numbers, as the script says.
  const answer = (await countJobs.run(link, [jobs, retries, aside])) as readonly number[];
  const [all = 0, running = 0, retrying = 0, setApart = 0, oldest = 0] = answer;
  // In one moment all add up; an entry that an operator deleted by hand may still count as running.
  return { waiting: Math.max(0, all - running - retrying), running, retrying, aside: setApart, oldest };
}
