import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** How a program is started. */
export interface ChildOptions {
  /** What it prints, on a line, when it is ready. Without it the program is ready at once. */
  readonly ready?: RegExp;
  /** Whether it speaks with this process by messages. @default false */
  readonly ipc?: boolean;
}

const running = new Set<Child>();

/** Ends all programs that still run, at once and without waiting. */
export function killAll(): void {
  for (const child of running) child.kill();
}

/**
 * A program that works for this process. It does not outlive it, however that ends: a watchdog of
 * its own kills it when this process is gone without having said so.
 */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #ended: Promise<unknown>;
  #watchdog: ChildProcess | undefined;
  #output = "";

  private constructor(command: string, parameters: readonly string[], ipc: boolean) {
    this.#name = [command, ...parameters].join(" ");
    this.#process = spawn(command, [...parameters], {
      cwd: tmpdir(),
      stdio: ["ignore", "pipe", "pipe", ...(ipc ? ["ipc" as const] : [])],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on("data", (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-4000)));
    this.#ended = once(this.#process, "close").catch((error: unknown) => (this.#output += String(error)));
    void this.#ended.then(() => running.delete(this));
    running.add(this);
  }

  /** Settles when the program is ready, and rejects with what it printed when it ends before. */
  static async start(command: string, parameters: readonly string[], options: ChildOptions = {}): Promise<Child> {
    const child = new Child(command, parameters, options.ipc === true);
    if (child.#process.pid !== undefined) child.#watchdog = watch(child.#process.pid);
    try {
      if (options.ready !== undefined) await child.#prints(options.ready);
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
    return child;
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw this.#failure();
    return this.#process.pid;
  }

  /** Sends a message, and gives the next one that comes back. */
  async ask<Answer>(question: object): Promise<Answer> {
    const answered = new AbortController();
    try {
      const answer = once(this.#process, "message", { signal: answered.signal });
      this.#process.send(question);
      const first = await Promise.race([answer, this.#death()]);
      // What a program answers is between it and the one that asks.
      return first[0] as Answer;
    } finally {
      answered.abort();
    }
  }

  /** Asks it to end, and settles when it has. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  /** Ends it at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#ended;
    this.#watchdog?.stdin?.end("relieved\n");
    this.#watchdog = undefined;
  }

  async #prints(text: RegExp): Promise<void> {
    // It has one, because its stdio is piped.
    const lines = createInterface(this.#process.stdout as Readable);
    const ready = new Promise<void>((resolve) => {
      lines.on("line", (line) => {
        if (text.test(line)) resolve();
      });
    });
    await Promise.race([ready, this.#death()]);
  }

  async #death(): Promise<never> {
    await this.#ended;
    throw this.#failure();
  }

  #failure(): Error {
    return new Error(`${this.#name} has ended: ${this.#output.trim()}`);
  }
}

/** Settles when all have started; when one has not, none is left. */
export async function startAll(starting: ReadonlyArray<Promise<Child>>): Promise<readonly Child[]> {
  const results = await Promise.allSettled(starting);
  const children = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return children;
  await disposeAll(children);
  throw failed.reason;
}

export async function disposeAll(children: readonly AsyncDisposable[]): Promise<void> {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
}

/** Kills a program when this process has ended without having relieved the watchdog. */
function watch(pid: number): ChildProcess {
  const watchdog = spawn("/bin/sh", ["-c", 'read line || kill -9 "$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  watchdog.stdin.on("error", () => {});
  return watchdog;
}
