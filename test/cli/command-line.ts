import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a command that has ended printed, and its exit code. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A running `millrace`, with what it has printed so far. */
export class RunningCommand implements AsyncDisposable {
  readonly process: ChildProcess;
  output = "";
  errors = "";
  readonly #ended: Promise<number | null>;
  #over = false;
  #wake: () => void = () => {};

  constructor(words: readonly string[], options: CommandOptions = {}) {
    // Nothing of the developer's own environment may change what is printed.
    const { HOST: _host, PORT: _port, CHANNEL_LAYER_URL: _layer, ...environment } = process.env;
    this.process = spawn(process.execPath, [options.bin ?? bin, ...words], {
      cwd: options.folder ?? process.cwd(),
      env: { ...environment, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: options.ownGroup ?? false,
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take("output", text));
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => this.#take("errors", text));
    // Not "exit": only then all that was printed has been read.
    this.#ended = once(this.process, "close").then(([code]) => {
      this.#over = true;
      this.#wake();
      return code as number | null;
    });
  }

  /** Settles when it has printed what matches, and gives the match. Rejects when it ends before. */
  async printed(pattern: RegExp, where: "output" | "errors" = "output"): Promise<RegExpMatchArray> {
    for (;;) {
      const match = pattern.exec(this[where]);
      if (match !== null) return match;
      if (this.#over) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    throw new Error(`${String(pattern)} was not printed, but:\n${this.output}\n${this.errors}`);
  }

  /** The port that the banner tells. */
  async port(): Promise<number> {
    const [, port] = await this.printed(/http:\/\/[^\s/]+:(\d+)/);
    return Number(port);
  }

  /** Forgets what was printed so far, so that the next wait is for something new. */
  forget(): void {
    this.output = "";
    this.errors = "";
  }

  async ended(): Promise<Outcome> {
    const code = await this.#ended;
    return { code, output: this.output, errors: this.errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGKILL");
    await this.#ended;
  }

  #take(where: "output" | "errors", text: string): void {
    this[where] += text;
    this.#wake();
  }
}

export interface CommandOptions {
  /** Where it is started. */
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts it as the leader of a process group, as a terminal does. */
  readonly ownGroup?: boolean;
  /** Another copy of the command. */
  readonly bin?: string;
}

/** Runs `millrace` to its end. */
export async function millrace(words: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  await using command = new RunningCommand(words, options);
  return await command.ended();
}
