import type { JobSite } from "../layers/job-site.ts";
import { Retry } from "../layers/core-receiver.ts";
import { type AsideReason, publish } from "../protocol/diagnostics.ts";
import { isMillraceError, toError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { isReplyOf } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import { runFor } from "./current-job.ts";
import type { JobStore, TakenJob } from "./job-store.ts";
import type { Lane, Outcome } from "./lane.ts";
import { isReserved, noHandler, reservedType, sentence, tooOftenLost } from "./set-aside.ts";
import { Settling } from "./settling.ts";

/** What one channel of a worker needs. Times are in milliseconds. */
export interface ChannelWorkerParts {
  readonly channel: string;
  readonly store: JobStore;
  /** For nothing but waiting for this channel's jobs; its owner closes it. */
  readonly waiting: Link;
  readonly codec: JobSite["codec"];
  readonly newLane: () => Lane;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly lease: number;
  readonly retryDelay: number;
  readonly maxRetryDelay: number;
  readonly backlogInterval: number;
  /** Something failed of which no caller hears. */
  readonly failed: (thrown: unknown) => void;
}

/** For how long a worker waits for new jobs before it looks for others: those to be tried again, and those of the dead. */
const longestWait = 500;

/** Works off one channel: takes as many jobs as may run at once, runs them, and records their ends. */
export class ChannelWorker {
  readonly #parts: ChannelWorkerParts;
  readonly #running = new Map<string, Settling>();
  readonly #free: Lane[] = [];
  readonly #lanes = new Set<Lane>();
  readonly #retry: Retry;
  #timers: ReadonlyArray<NodeJS.Timeout> = [];
  #reading: Promise<void> = Promise.resolve();
  #stopping = false;
  #mayHaveMissed = false;
  #waiters: Array<() => void> = [];

  constructor(parts: ChannelWorkerParts) {
    this.#parts = parts;
    this.#retry = new Retry(parts);
  }

  /** How many jobs run. */
  get running(): number {
    return this.#running.size;
  }

  /** Calls the application. Rejects with what it throws: that there is no route, for one. */
  async prepare(): Promise<void> {
    const lane = this.#newLane();
    this.#free.push(lane);
    await lane.open();
  }

  start(): void {
    const { lease, backlogInterval } = this.#parts;
    this.#timers = [
      setInterval(() => void this.#renew(), lease / 3),
      setInterval(() => void this.#tellBacklog(), backlogInterval),
    ];
    this.#reading = this.#read();
  }

  /** Takes no more jobs. Settles when none comes any more; those that run go on. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#retry.stop();
    this.#wake();
    await this.#reading;
  }

  /** Settles when no job runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.#someEnd();
  }

  /** Gives back the jobs that still run, and says how many there were. What their handlers still do is not recorded. */
  async giveBack(): Promise<number> {
    const left = [...this.#running.values()];
    this.#running.clear();
    this.#wake();
    const { store } = this.#parts;
    // Where Redis is away, the lease does it.
    const giveBack = async (job: TakenJob): Promise<void> => {
      if (store.reachable) await store.retry(job, 0, "Its worker stopped before it ended");
    };
    await Promise.all(left.map((settling) => settling.giveUp(giveBack)));
    return left.length;
  }

  /** Ends the application, and leaves the channel. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(Array.from(this.#lanes, (lane) => lane.close()));
  }

  async #read(): Promise<void> {
    const { concurrency } = this.#parts;
    while (!this.#stopping) {
      const free = concurrency - this.#running.size;
      try {
        if (free === 0) await this.#someEnd();
        else await this.#takeSome(free);
        this.#retry.succeeded();
      } catch (error) {
        // What was sent may have been carried out, and its answer lost with the jobs in it.
        this.#mayHaveMissed = true;
        if (!this.#stopping) await this.#retry.failed(error);
      }
    }
  }

  async #takeSome(free: number): Promise<void> {
    const { store, waiting } = this.#parts;
    const asked = performance.now();
    const { jobs, nextTry } = await store.take(free, [...this.#running.keys()], this.#mayHaveMissed);
    this.#mayHaveMissed = false;
    this.#startAll(await this.#stillOurs(jobs, asked));
    const wait = Math.min(longestWait, nextTry);
    if (jobs.length >= free || wait < 1 || this.#isStopping()) return;
    try {
      const askedAgain = performance.now();
      const others = await store.waitForNew(waiting, free - jobs.length, wait);
      this.#startAll(await this.#stillOurs(others, askedAgain));
    } catch (error) {
      // Somebody has deleted the stream, which is made again when jobs are next taken.
      const cause = isMillraceError(error, "ERR_REDIS") ? error.cause : undefined;
      if (!isReplyOf(cause, "NOGROUP") && !isReplyOf(cause, "UNBLOCKED")) throw error;
    }
  }

  /** A process that has stood still may find the answer to an old question: another worker may have the jobs by now. */
  async #stillOurs(jobs: readonly TakenJob[], asked: number): Promise<readonly TakenJob[]> {
    const { lease, store } = this.#parts;
    if (jobs.length === 0 || performance.now() - asked < lease / 2) return jobs;
    const lost = new Set(await store.renew(jobs.map(({ id }) => id)));
    return jobs.filter(({ id }) => !lost.has(id));
  }

  #startAll(jobs: readonly TakenJob[]): void {
    for (const job of jobs) {
      const settling = new Settling(this.#parts.channel, job, this.#parts);
      this.#running.set(job.id, settling);
      const ended = this.#isStopping() ? this.#putBack(settling) : this.#work(settling);
      void ended.catch(this.#parts.failed).then(() => {
        if (this.#running.get(job.id) === settling) this.#running.delete(job.id);
        this.#wake();
      });
    }
  }

  /** Lets others have a job that came when no more were wanted. It was not tried. */
  async #putBack(settling: Settling): Promise<void> {
    const { id, attempt, frame } = settling.job;
    const untried = { id, attempt: attempt - 1, frame };
    await settling.end(() => this.#parts.store.retry(untried, 0, "Its worker stopped before it began"));
  }

  async #work(settling: Settling): Promise<void> {
    const { job } = settling;
    const { maxAttempts } = this.#parts;
    if (job.attempt > maxAttempts) return this.#setAside(settling, "lost", tooOftenLost(maxAttempts), maxAttempts);
    let message: LayerMessage;
    try {
      ({ message } = this.#parts.codec.decode(job.frame));
    } catch (thrown) {
      return this.#setAside(settling, "unreadable", toError(thrown));
    }
    if (isReserved(message.type)) return this.#setAside(settling, "reserved", reservedType(message.type));
    return this.#run(settling, message);
  }

  async #run(settling: Settling, message: LayerMessage): Promise<void> {
    const { channel, maxAttempts, store } = this.#parts;
    const { id, attempt } = settling.job;
    const { type } = message;
    const sentAt = Number.parseInt(id, 10);
    publish("millrace:job:started", () => {
      return { channel, id, type, attempt, waited: Math.max(0, Date.now() - sentAt) };
    });
    const began = performance.now();
    const lane = this.#free.pop() ?? this.#newLane();
    const current = { channel, id, attempt, maxAttempts, sentAt };
    const outcome = await runFor(Object.freeze(current), () => lane.handle(message));
    this.#free.push(lane);
    const milliseconds = performance.now() - began;
    if (outcome.kind !== "done") return this.#failed(settling, type, outcome);
    // What is gone was done as well.
    if ((await settling.end(() => store.finish(id))) !== "lost") {
      publish("millrace:job:done", () => ({ channel, id, type, attempt, milliseconds }));
    }
    return undefined;
  }

  async #failed(settling: Settling, type: string, outcome: Exclude<Outcome, { kind: "done" }>): Promise<void> {
    const { channel, maxAttempts, retryDelay, maxRetryDelay, store } = this.#parts;
    const { job } = settling;
    if (outcome.kind === "unhandled") return this.#setAside(settling, "unhandled", noHandler(type, outcome.reason));
    const { error } = outcome;
    if (job.attempt >= maxAttempts) return this.#setAside(settling, "failed", error);
    const full = Math.min(retryDelay * 2 ** (job.attempt - 1), maxRetryDelay);
    // By chance up to a half less, so that jobs that failed together are not tried together.
    const delay = Math.round(full * (1 - Math.random() / 2));
    if ((await settling.endAsRetry(() => store.retry(job, delay, sentence(error)))) === "recorded") {
      publish("millrace:job:retried", () => ({ channel, id: job.id, type, attempt: job.attempt, delay, error }));
    }
  }

  async #setAside(
    settling: Settling,
    reason: AsideReason,
    error: Error,
    attempts: number = settling.job.attempt,
  ): Promise<void> {
    const { channel, store } = this.#parts;
    const { id } = settling.job;
    if ((await settling.end(() => store.setAside(id, attempts, reason, sentence(error)))) === "recorded") {
      publish("millrace:job:aside", () => ({ channel, id, attempts, reason, error }));
    }
  }

  async #renew(): Promise<void> {
    if (this.#running.size === 0) return;
    try {
      for (const id of await this.#parts.store.renew([...this.#running.keys()])) this.#running.get(id)?.takenOver();
    } catch (error) {
      // The loss of Redis is told by its links.
      if (isMillraceError(error, "ERR_REDIS")) this.#parts.failed(error);
    }
  }

  async #tellBacklog(): Promise<void> {
    const { channel, store } = this.#parts;
    try {
      const counts = await store.count();
      publish("millrace:worker:backlog", () => ({ channel, ...counts }));
    } catch (error) {
      if (isMillraceError(error, "ERR_REDIS")) this.#parts.failed(error);
    }
  }

  #newLane(): Lane {
    const lane = this.#parts.newLane();
    this.#lanes.add(lane);
    return lane;
  }

  #someEnd(): Promise<void> {
    return new Promise((resolve) => void this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Asked after a wait: TypeScript takes it for what it was before. */
  #isStopping(): boolean {
    return this.#stopping;
  }
}
