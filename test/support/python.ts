import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Watchdog } from "./watchdog.ts";

/** The interpreter that Debian's packages belong to, unless `MILLRACE_PYTHON` names another. */
export const interpreter: string = process.env["MILLRACE_PYTHON"] ?? "/usr/bin/python3";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A Python program that reads a JSON value a line and answers each with one of its own, in order.
 * What it prints on stderr is shown in the error of a question that it leaves without an answer.
 */
export class Python implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting: Waiting[] = [];
  readonly #ended: Promise<unknown>;
  // One that waits for a message does not notice that nobody asks it any more.
  readonly #watchdog: Watchdog | undefined;
  #hasEnded = false;
  #complaint = "";

  /** @param program is the path of its file. */
  constructor(program: string, parameters: readonly string[] = []) {
    this.#child = spawn(interpreter, [program, ...parameters], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (text: Buffer) => (this.#complaint += text.toString()));
    this.#child.on("error", (error) => (this.#complaint += error.message));
    // That a program no longer reads is heard of by its end.
    this.#child.stdin.on("error", () => {});
    createInterface(this.#child.stdout).on("line", (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
    this.#ended = once(this.#child, "close").catch(() => undefined);
    const { pid } = this.#child;
    this.#watchdog = pid === undefined ? undefined : new Watchdog(pid);
    void this.#ended.then(() => this.#onEnd());
  }

  /** The answer to a question. What it is made of is between the program and the test that asks. */
  async ask<Answer>(question: unknown): Promise<Answer> {
    const answer = new Promise<unknown>((resolve, reject) => void this.#waiting.push({ resolve, reject }));
    if (this.#hasEnded) this.#onEnd();
    else this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return (await answer) as Answer;
  }

  /** Lets the program come to its end. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
    await this.#watchdog?.relieve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onEnd(): void {
    this.#hasEnded = true;
    const error = new Error(`${interpreter} has ended: ${this.#complaint.trim()}`);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
