import cluster, { type Worker } from "node:cluster";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { type ProcessMessage, type ProcessRole, roleEnvironment, stopMessage } from "./process-role.ts";
import { relayLines } from "./relay-lines.ts";
import type { Terminal } from "./terminal.ts";

/** For how long the rest of a dead process's output is waited for, in milliseconds: what it started may hold it open. */
const outputGrace = 1000;

/** How a process has ended. */
export interface Ending {
  /** `undefined` when a signal ended it, or when it could not be started. */
  readonly code: number | undefined;
  /** `was killed by SIGKILL`, `ended with exit code 1`. */
  readonly how: string;
  /** What it said of why it could not serve; empty when it said nothing. */
  readonly complaint: string;
  /** For how long it has served, in milliseconds. */
  readonly served: number;
}

/** Where the output of processes goes. */
export interface ProcessOutput {
  readonly output: Terminal;
  readonly errors: Terminal;
}

/** One of several serving processes, as the primary sees it. */
export class ServingProcess {
  /** Settles with its banner when it serves, and with nothing when it has ended without. It never rejects. */
  readonly serving: Promise<string | undefined>;
  /** Settles when it has ended and all that it said has been printed. It never rejects. */
  readonly ended: Promise<Ending>;
  readonly #worker: Worker;
  #servedSince: number | undefined;
  #failure: Error | undefined;
  #over = false;
  #complaint = "";

  constructor(role: ProcessRole, { output, errors }: ProcessOutput) {
    const worker = cluster.fork(roleEnvironment(role));
    this.#worker = worker;
    const { stdout, stderr } = worker.process;
    const relayed = [relay(stdout, output, role), relay(stderr, errors, role)];
    this.ended = this.#end(relayed);
    this.serving = new Promise((resolve) => {
      worker.on("message", (message: ProcessMessage) => this.#take(message, resolve));
      void this.ended.then(() => resolve(undefined));
    });
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#worker.process.pid ?? 0;
  }

  get isServing(): boolean {
    return this.#servedSince !== undefined && !this.#over;
  }

  /**
   * Ends it gracefully, or by force when that takes longer than so many milliseconds. Settles with
   * whether force was needed.
   */
  async stop(patience: number): Promise<boolean> {
    let forced = false;
    const timer = setTimeout(() => {
      forced = true;
      this.kill();
    }, patience);
    // It may be about to end; then nobody needs to be told.
    if (this.#worker.process.connected) this.#worker.process.send(stopMessage, () => {});
    await this.ended;
    clearTimeout(timer);
    return forced;
  }

  /** Ends it at once. */
  kill(): void {
    if (!this.#over) this.#worker.process.kill("SIGKILL");
  }

  #take(message: ProcessMessage, serves: (banner: string) => void): void {
    // The application may send messages of its own.
    switch ((message as Partial<ProcessMessage> | null)?.millrace) {
      case "serving":
        this.#servedSince = Date.now();
        return serves((message as ProcessMessage & { banner: string }).banner);
      case "complaint":
        this.#complaint += `${this.#complaint === "" ? "" : "\n"}${(message as ProcessMessage & { text: string }).text}`;
        return undefined;
      case undefined:
        return undefined;
    }
  }

  async #end(relayed: ReadonlyArray<Promise<void>>): Promise<Ending> {
    const [code, signal] = await this.#gone();
    const served = this.#servedSince === undefined ? 0 : Date.now() - this.#servedSince;
    this.#over = true;
    await Promise.race([Promise.all(relayed), wait(outputGrace, undefined, { ref: false })]);
    const how =
      this.#failure === undefined
        ? signal === null
          ? `ended with exit code ${code ?? 0}`
          : `was killed by ${signal}`
        : `could not be started (${this.#failure.message})`;
    return { code: code ?? undefined, how, complaint: this.#complaint, served };
  }

  /** Settles with exit code and signal, once it has ended and its last message has been read. */
  #gone(): Promise<[number | null, string | null]> {
    const child = this.#worker.process;
    return new Promise((resolve) => {
      const exited = new Promise<[number | null, string | null]>((done) => {
        child.once("exit", (code, signal) => done([code, signal]));
      });
      const disconnected = new Promise<void>((done) => void child.once("disconnect", done));
      void Promise.all([exited, disconnected]).then(([how]) => resolve(how));
      this.#worker.on("error", (error) => {
        if (child.pid !== undefined) return;
        this.#failure = error;
        resolve([null, null]);
      });
    });
  }
}

async function relay(from: NodeJS.ReadableStream | null, to: Terminal, role: ProcessRole): Promise<void> {
  if (from === null) return;
  try {
    // The streams of a child process that are read from are of this class.
    await relayLines(from as Readable, to, to.dim(`[${role.number}]`));
  } catch {
    // A pipe that breaks has told all that it can.
  }
}
