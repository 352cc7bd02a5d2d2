import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { ProcessFailure, ProcessSlot } from "./process-slot.ts";
import { ServingProcess } from "./serving-process.ts";
import type { StopRequest } from "./stop-signal.ts";
import { isColoured, type Terminal } from "./terminal.ts";

/** How long a process may take for more than its shutdown timeout, in milliseconds, before it is killed. */
export const killMargin = 2000;

/** What several serving processes need. */
export interface ProcessesOptions {
  /** The command line, which is that of each process as well. */
  readonly words: readonly string[];
  readonly count: number;
  /** The port to listen on, where it is no Unix socket. */
  readonly port: number;
  /** In milliseconds. */
  readonly shutdownTimeout: number;
  readonly quiet: boolean;
  readonly output: Terminal;
  readonly errors: Terminal;
  readonly stop: Promise<StopRequest>;
}

/**
 * Serves in several processes on one port, and starts another for each that ends unasked. One that
 * can't serve at the first start ends them all. Settles with the exit code.
 */
export async function serveInProcesses(options: ProcessesOptions): Promise<number> {
  const { output, errors, quiet, stop } = options;
  const processes = new Processes(options);
  // Should this process end at once, so do the others.
  const kill = (): void => processes.kill();
  process.once("exit", kill);
  restartOnHangup(processes);
  try {
    const booted = await Promise.race([processes.boot(), stop.then(() => undefined)]);
    if (booted !== undefined) {
      if (!quiet) output.print(booted);
      await stop;
    }
    if (!quiet) output.print(output.dim("Stopping; once more ends it at once."));
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof ProcessFailure)) throw thrown;
    errors.print(thrown.message);
    return 1;
  } finally {
    await processes.stop();
    process.off("exit", kill);
  }
}

/** Where a terminal hangs up, the signal means that everything is to end. */
function restartOnHangup(processes: Processes): void {
  if (process.stdin.isTTY || process.stdout.isTTY || process.platform === "win32") return;
  process.on("SIGHUP", () => void processes.restart());
}

/** The serving processes, by their numbers. */
class Processes {
  readonly #options: ProcessesOptions;
  readonly #slots: readonly ProcessSlot[];
  #restarting = false;
  #restartAgain = false;
  #stopped = false;

  constructor(options: ProcessesOptions) {
    const { words, count, quiet, output, errors, shutdownTimeout } = options;
    this.#options = options;
    cluster.setupPrimary({
      exec: fileURLToPath(new URL("main.js", import.meta.url)),
      args: [...words],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#slots = Array.from({ length: count }, (_, at) => {
      const number = at + 1;
      return new ProcessSlot({
        number,
        fork: (first) => this.#fork(number, first),
        patience: shutdownTimeout + killMargin,
        warn: (line) => errors.print(errors.yellow(line)),
        tell: (line) => {
          if (!quiet) output.print(output.dim(line));
        },
      });
    });
  }

  /**
   * Settles with the banner when all serve. The first one goes ahead, so that what is wrong with
   * the module, the layer or the address is said once.
   *
   * @throws ProcessFailure when one of them can't serve.
   */
  async boot(): Promise<string> {
    const [first, ...others] = this.#slots;
    const banner = (await first?.boot(true)) ?? "";
    if (!this.#stopped) await Promise.all(others.map((slot) => slot.boot(false)));
    return banner;
  }

  /** Replaces one process after another, each when its successor serves. */
  async restart(): Promise<void> {
    this.#restartAgain = true;
    if (this.#restarting) return;
    this.#restarting = true;
    const { output, errors } = this.#options;
    while (this.#restartAgain && !this.#stopped) {
      this.#restartAgain = false;
      output.print(output.dim("Restarting, one process after another."));
      const isDone = await this.#replaceAll();
      if (isDone) output.print(output.dim("All processes have been restarted."));
      else if (!this.#stopped) errors.print(errors.yellow("The restart was given up; the others go on as they were."));
    }
    this.#restarting = false;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  kill(): void {
    this.#stopped = true;
    for (const slot of this.#slots) slot.kill();
  }

  async #replaceAll(): Promise<boolean> {
    for (const slot of this.#slots) {
      if (this.#stopped || !(await slot.replace())) return false;
    }
    return !this.#stopped;
  }

  #fork(number: number, first: boolean): ServingProcess {
    const { count, port, output, errors } = this.#options;
    // Its output is a pipe to this process, which knows where that leads.
    const coloured = isColoured(process.stdout) && isColoured(process.stderr);
    return new ServingProcess({ number, count, first, port, coloured }, { output, errors });
  }
}
