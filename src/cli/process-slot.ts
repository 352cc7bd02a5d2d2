import { Backoff } from "../flow/backoff.ts";
import type { Ending, ServingProcess } from "./serving-process.ts";

/** How long the first wait before a restart is, and the longest one, in milliseconds. */
const firstWait = 250;
const longestWait = 15_000;

/** A process that has served for so long is well, and its next end counts as the first, in milliseconds. */
const steadyTime = 30_000;

/**
 * How long to wait for the wish to end, in milliseconds, when a process has ended cleanly without
 * it: who tells a whole group of processes to end tells them one after another.
 */
const wishGrace = 250;

/** What a slot needs to know. */
export interface SlotOptions {
  readonly number: number;
  readonly fork: (first: boolean) => ServingProcess;
  /** For how long a process may take to end, in milliseconds. */
  readonly patience: number;
  /** Something is not as it should be, in one line. */
  readonly warn: (line: string) => void;
  /** All is well again, in one line. */
  readonly tell: (line: string) => void;
}

/** One of several processes can't serve. The message is what it said of the reason, or how it ended. */
export class ProcessFailure extends Error {
  override readonly name = "ProcessFailure";
}

/** Keeps one process serving: starts another when it ends without having been asked to. */
export class ProcessSlot {
  readonly #options: SlotOptions;
  readonly #backoff = new Backoff(firstWait, longestWait);
  #current: ServingProcess | undefined;
  /** The one that is about to take the place of the current one. */
  #next: ServingProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #booted = false;
  #stopping = false;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /**
   * Starts its first process; settles with its banner when it serves.
   *
   * @throws ProcessFailure when it ends before that; then no other is started.
   */
  async boot(first: boolean): Promise<string> {
    const process = this.#begin(first);
    const banner = await process.serving;
    if (banner === undefined) {
      const { how, complaint } = await process.ended;
      throw new ProcessFailure(
        complaint === "" ? `millrace: ${this.#name(process)} ${how} before it served.` : complaint,
      );
    }
    this.#booted = true;
    return banner;
  }

  /**
   * Starts another process, and lets the present one end when it serves. Settles with `false` when
   * the new one can't serve; then the present one goes on.
   */
  async replace(): Promise<boolean> {
    // One that is about to start anew has what is new already.
    if (this.#current?.isServing !== true || this.#stopping) return true;
    const next = this.#options.fork(false);
    this.#next = next;
    const banner = await next.serving;
    this.#next = undefined;
    if (banner === undefined) {
      this.#complain(next, await next.ended);
      return false;
    }
    clearTimeout(this.#timer);
    const old = this.#current;
    this.#current = next;
    this.#watch(next);
    if (this.#stopping) await this.#end(next);
    await this.#end(old);
    return true;
  }

  /** Ends what runs, and starts nothing more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#end(this.#current), this.#end(this.#next)]);
  }

  /** Ends what runs at once. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#current?.kill();
    this.#next?.kill();
  }

  async #end(process: ServingProcess | undefined): Promise<void> {
    const forced = await process?.stop(this.#options.patience);
    if (process !== undefined && forced === true) {
      this.#options.warn(`${this.#name(process)} did not end in time, and was killed.`);
    }
  }

  #begin(first: boolean): ServingProcess {
    const process = this.#options.fork(first);
    this.#current = process;
    this.#watch(process);
    return process;
  }

  #watch(process: ServingProcess): void {
    void process.ended.then((ending) => {
      const grace = ending.code === 0 ? wishGrace : 0;
      if (!this.#isMissed(process)) return;
      this.#timer = setTimeout(() => this.#restart(process, ending), grace);
    });
  }

  /** Whether a process that has ended should have gone on. */
  #isMissed(process: ServingProcess): boolean {
    return process === this.#current && this.#booted && !this.#stopping;
  }

  #restart(process: ServingProcess, ending: Ending): void {
    if (!this.#isMissed(process)) return;
    if (ending.served >= steadyTime) this.#backoff.reset();
    const wait = this.#backoff.next();
    this.#complain(process, ending, `; another starts in ${(wait / 1000).toFixed(1)} s`);
    this.#timer = setTimeout(() => {
      const another = this.#begin(false);
      void another.serving.then((banner) => {
        if (banner !== undefined) this.#options.tell(`${this.#name(another)} serves in its place.`);
      });
    }, wait);
  }

  #complain(process: ServingProcess, { how, complaint }: Ending, next = ""): void {
    if (complaint !== "") this.#options.warn(complaint);
    this.#options.warn(`${this.#name(process)} ${how}${next}.`);
  }

  #name(process: ServingProcess): string {
    return `Process ${this.#options.number} (pid ${process.pid})`;
  }
}
