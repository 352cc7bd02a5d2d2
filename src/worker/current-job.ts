import { AsyncLocalStorage } from "node:async_hooks";

/** The job that a handler works on. */
export interface CurrentJob {
  readonly channel: string;
  /** Stays the same however often the job is tried: what it does once can be remembered by it. */
  readonly id: string;
  /** 1 the first time. */
  readonly attempt: number;
  /** How often it is tried at most. */
  readonly maxAttempts: number;
  /** When it was sent, in milliseconds since 1970 by Redis' clock. */
  readonly sentAt: number;
}

const jobs = new AsyncLocalStorage<CurrentJob>();

/** The job that the code runs for; `undefined` outside of a worker's handlers. */
export function currentJob(): CurrentJob | undefined {
  return jobs.getStore();
}

/** Calls a function for a job, and all that it calls and awaits. */
export function runFor<Result>(job: CurrentJob, run: () => Result): Result {
  return jobs.run(job, run);
}
