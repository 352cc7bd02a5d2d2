import { jobGroup, type JobKeys } from "../layers/job-keys.ts";
import { isError, isMillraceError } from "../protocol/errors.ts";
import type { Argument } from "../redis/connection.ts";
import { isReplyOf } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import type { JobState, StoredJob } from "./job.ts";

type Entry = readonly [id: Buffer, fields: readonly [Buffer, Buffer]];
type Pending = readonly [id: Buffer, worker: Buffer, idle: number, attempts: number];

/** Reads the jobs of a channel by their states. A job that changes its state meanwhile may be missed, or seen in the old one. */
export class JobLists {
  readonly #link: Link;
  readonly #keys: JobKeys;

  constructor(link: Link, keys: JobKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  list(state: JobState, limit: number): Promise<readonly StoredJob[]> {
    switch (state) {
      case "waiting":
        return this.#waiting(limit);
      case "running":
        return this.#running("-", "+", limit);
      case "retrying":
        return this.#retrying(limit);
      case "aside":
        return this.#aside(limit);
    }
  }

  async find(id: string): Promise<StoredJob | undefined> {
    const [aside] = await this.#withFailures([id], "aside");
    if (aside !== undefined) return aside;
    const [running] = await this.#running(id, id, 1);
    if (running !== undefined) return running;
    const frame = await this.#frame(id);
    if (frame === undefined) return undefined;
    const dueAt = await this.#ask("ZSCORE", this.#keys.retries, id);
    if (dueAt === null) return { id, state: "waiting", frame };
    return { id, state: "retrying", frame, dueAt: Number(dueAt), failure: await this.#failure(id) };
  }

  /** The ids of all jobs that are set aside, the oldest first. */
  async asideIds(): Promise<readonly string[]> {
    const ids = await this.#ask<readonly Buffer[]>("HKEYS", this.#keys.aside);
    return ids.map(String).toSorted(byAge);
  }

  async #waiting(limit: number): Promise<readonly StoredJob[]> {
    const last = await this.#lastDelivered();
    const entries = await this.#ask<readonly Entry[]>("XRANGE", this.#keys.jobs, `(${last}`, "+", "COUNT", limit);
    return entries.map(([id, [, frame]]) => ({ id: id.toString(), state: "waiting", frame }));
  }

  /** The newest job that was given to a worker; those behind it wait. */
  async #lastDelivered(): Promise<string> {
    const groups = await this.#ask<ReadonlyArray<readonly unknown[]>>("XINFO", "GROUPS", this.#keys.jobs).catch(
      noStream,
    );
    for (const group of groups) {
      const fields = group.map(String);
      if (fields[fields.indexOf("name") + 1] === jobGroup)
        return fields[fields.indexOf("last-delivered-id") + 1] ?? "0-0";
    }
    return "0-0";
  }

  async #running(first: string, last: string, limit: number): Promise<readonly StoredJob[]> {
    const range = [jobGroup, first, last, limit];
    const pending = await this.#ask<readonly Pending[]>("XPENDING", this.#keys.jobs, ...range).catch(noStream);
    const jobs = await Promise.all(
      pending.map(async ([id, worker, , attempts]): Promise<StoredJob | undefined> => {
        const [frame, failure] = await Promise.all([this.#frame(id.toString()), this.#failure(id.toString())]);
        if (frame === undefined) return undefined;
        return { id: id.toString(), state: "running", frame, attempts, worker: worker.toString(), failure };
      }),
    );
    return jobs.filter((job) => job !== undefined);
  }

  async #retrying(limit: number): Promise<readonly StoredJob[]> {
    // Pairs, or a flat list of them, by the version of the protocol.
    const answer = await this.#ask<ReadonlyArray<Buffer | readonly Buffer[]>>(
      "ZRANGE",
      this.#keys.retries,
      0,
      limit - 1,
      "WITHSCORES",
    );
    const flat = answer.flat();
    const jobs: Array<Promise<StoredJob | undefined>> = [];
    for (let at = 0; at < flat.length; at += 2) {
      jobs.push(this.#retryingJob(String(flat[at]), Number(flat[at + 1])));
    }
    return (await Promise.all(jobs)).filter((job) => job !== undefined);
  }

  async #retryingJob(id: string, dueAt: number): Promise<StoredJob | undefined> {
    const [frame, failure] = await Promise.all([this.#frame(id), this.#failure(id)]);
    return frame === undefined ? undefined : { id, state: "retrying", frame, dueAt, failure };
  }

  async #aside(limit: number): Promise<readonly StoredJob[]> {
    return this.#withFailures((await this.asideIds()).slice(0, limit), "aside");
  }

  /** Those of some jobs that are set aside. */
  async #withFailures(ids: readonly string[], state: "aside"): Promise<readonly StoredJob[]> {
    if (ids.length === 0) return [];
    const [frames, failures] = await Promise.all([
      this.#ask<ReadonlyArray<Buffer | null>>("HMGET", this.#keys.aside, ...ids),
      this.#ask<ReadonlyArray<Buffer | null>>("HMGET", this.#keys.failures, ...ids),
    ]);
    return ids.flatMap((id, at) => {
      const frame = frames[at];
      return Buffer.isBuffer(frame) ? [{ id, state, frame, failure: failures[at]?.toString() }] : [];
    });
  }

  async #frame(id: string): Promise<Buffer | undefined> {
    const [entry] = await this.#ask<readonly Entry[]>("XRANGE", this.#keys.jobs, id, id);
    return entry?.[1][1];
  }

  async #failure(id: string): Promise<string | undefined> {
    return (await this.#ask<Buffer | null>("HGET", this.#keys.failures, id))?.toString();
  }

  /** Asks Redis, whose answer to the command has the type that the caller names. */
  async #ask<Answer = unknown>(command: string, ...args: readonly Argument[]): Promise<Answer> {
    return (await this.#link.callBuffer(command, ...args)) as Answer;
  }
}

/** A channel that no worker has served yet has no stream, or no group. */
function noStream(error: unknown): readonly never[] {
  const cause = isMillraceError(error, "ERR_REDIS") ? error.cause : undefined;
  if (isReplyOf(cause, "NOGROUP") || (isError(cause) && cause.message.includes("no such key"))) return [];
  throw error;
}

/** By the time at which they were sent, and the number behind it. */
function byAge(one: string, other: string): number {
  const [time = 0, number = 0] = one.split("-").map(Number);
  const [otherTime = 0, otherNumber = 0] = other.split("-").map(Number);
  return time - otherTime || number - otherNumber;
}
