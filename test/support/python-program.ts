import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { interpreter } from "./python.ts";

/** A Python program that runs until it is told to end, with what it has printed so far. */
export class PythonProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #printed = "";
  #over = false;
  #wake: () => void = () => {};

  /** @param words are those behind `python3`. */
  constructor(words: readonly string[], folder: string, environment: Readonly<Record<string, string>>) {
    this.#child = spawn(interpreter, words, {
      cwd: folder,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#printed += text;
        this.#wake();
      });
    }
    this.#ended = once(this.#child, "close").finally(() => {
      this.#over = true;
      this.#wake();
    });
  }

  /** Settles when it has printed what matches, on either stream, and gives the match. Rejects when it ends before. */
  async printed(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this.#printed);
      if (match !== null) return match;
      if (this.#over) throw new Error(`${String(pattern)} was not printed, but:\n${this.#printed}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
