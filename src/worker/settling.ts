import { Retry } from "../layers/core-receiver.ts";
import { publish } from "../protocol/diagnostics.ts";
import type { Settled, TakenJob } from "./job-store.ts";

/** What the end of a job needs of its worker. */
export interface SettlingOwner {
  /** Something failed of which no caller hears. */
  failed(thrown: unknown): void;
}

/**
 * Whether the end of a job is recorded; or could not be, because the job is another's or Redis was
 * away for too long; or need not be, because there is no such job.
 */
export type End = "recorded" | "lost" | "gone";

/**
 * Records the end of one job that a worker has, once. While Redis is away it tries again and again:
 * a second try does no harm, because Redis looks whose the job is. What can't be recorded is
 * published, once.
 */
export class Settling {
  readonly job: TakenJob;
  readonly #channel: string;
  readonly #retry: Retry;
  #state: "running" | "ending" | "over" = "running";

  constructor(channel: string, job: TakenJob, owner: SettlingOwner) {
    this.#channel = channel;
    this.job = job;
    this.#retry = new Retry(owner);
  }

  /** It does not reject. */
  end(wish: () => Promise<Settled>): Promise<End> {
    return this.#end(wish, false);
  }

  /**
   * The same for an end after which the job is there still, but nobody's, so that it can't be told
   * whether an earlier wish was carried out or another worker has come between.
   */
  endAsRetry(wish: () => Promise<Settled>): Promise<End> {
    return this.#end(wish, true);
  }

  /** Another worker has the job, though it runs here. */
  takenOver(): void {
    // Where it is just being ended, Redis' answer to that says what is true.
    if (this.#state === "running") this.#giveUp("taken over");
  }

  /** Ends the job without waiting for its handler, as far as Redis can be told. It does not reject. */
  async giveUp(wish: (job: TakenJob) => Promise<void>): Promise<void> {
    if (this.#state === "over") return;
    const ending = this.#state === "ending";
    this.#giveUp(ending ? "not recorded" : "given back");
    if (ending) return;
    // Without an answer, the lease does it.
    await wish(this.job).catch(() => {});
  }

  async #end(wish: () => Promise<Settled>, unclear: boolean): Promise<End> {
    if (this.#state !== "running") return "lost";
    this.#state = "ending";
    for (let attempts = 1; this.#isEnding(); attempts++) {
      try {
        const settled = await wish();
        if (!this.#isEnding()) return "lost";
        if (settled === "taken over" && !(unclear && attempts > 1)) {
          this.#giveUp("taken over");
          return "lost";
        }
        this.#state = "over";
        // Of the first wish it says that an operator has dropped the job, or that Redis has lost its data.
        return settled === "gone" && attempts === 1 ? "gone" : "recorded";
      } catch (error) {
        if (this.#isEnding()) await this.#retry.failed(error);
      }
    }
    return "lost";
  }

  #giveUp(reason: "taken over" | "not recorded" | "given back"): void {
    this.#state = "over";
    this.#retry.stop();
    const { id, attempt } = this.job;
    publish("millrace:job:unsettled", () => ({ channel: this.#channel, id, attempt, reason }));
  }

  /** Asked after a wait: TypeScript takes the state for what it was before. */
  #isEnding(): boolean {
    return this.#state === "ending";
  }
}
