import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SourceWatcher } from "./source-watcher.ts";
import type { StopRequest } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";
import { shortPath } from "./user-frame.ts";

/** Tells a child that it is one, and whether it is the first. */
const childVariable = "MILLRACE_RELOADED";

/** The exit code of a child that can't listen: no change of a source file helps. */
export const cannotListen = 3;

/** How long a child may take for more than its shutdown timeout, in milliseconds, before it is killed. */
const killMargin = 2000;

/** What this process is to a reloading server. */
export type ReloadRole = "parent" | "first child" | "later child";

/** Finds out, once: the processes that an application starts are not children of the reloading server. */
export function reloadRole(): ReloadRole {
  const role = process.env[childVariable];
  delete process.env[childVariable];
  if (role === undefined || !process.connected) return "parent";
  return role === "first" ? "first child" : "later child";
}

/** What `--reload` watches: the package that the module belongs to, or its folder where there is none. */
export function reloadRoot(file: string): string {
  const folder = dirname(file);
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (candidate === dirname(candidate)) return folder;
  }
}

/** What a reloading server needs. */
export interface ReloadOptions {
  /** The command line, which is the child's as well. */
  readonly words: readonly string[];
  readonly root: string;
  /** In milliseconds. */
  readonly shutdownTimeout: number;
  readonly terminal: Terminal;
  readonly stop: Promise<StopRequest>;
}

/**
 * Serves in a child process, and in a new one after each change of a source file. A child that
 * fails is replaced at the next change. Settles with the exit code.
 */
export async function serveReloading({ words, root, shutdownTimeout, terminal, stop }: ReloadOptions): Promise<number> {
  using watcher = new SourceWatcher(root);
  for (let generation = 0; ; generation++) {
    watcher.forget();
    const child = new ServingChild(words, generation === 0, shutdownTimeout);
    const changes = watcher.changes();
    let next = await Promise.race([stop, changes, child.ended]);
    if (typeof next === "number") {
      if (next === cannotListen) return 1;
      terminal.print(terminal.dim(`Stopped with exit code ${next}; waiting for a change.`));
      next = await Promise.race([stop, changes]);
    }
    await child.stop();
    if (typeof next === "string") return 0;
    terminal.print(terminal.dim(`${next.map(shortPath).join(", ")} changed; restarting.`));
  }
}

/** A process that serves, from its start to its end. */
class ServingChild {
  /** Settles with its exit code. */
  readonly ended: Promise<number>;
  readonly #process: ChildProcess;
  readonly #shutdownTimeout: number;

  constructor(words: readonly string[], first: boolean, shutdownTimeout: number) {
    const main = fileURLToPath(new URL("main.js", import.meta.url));
    const env = { ...process.env, [childVariable]: first ? "first" : "again" };
    const child = fork(main, words, { env });
    const kill = (): void => void child.kill("SIGKILL");
    // Should this process end at once, its child does so too.
    process.once("exit", kill);
    this.#process = child;
    this.#shutdownTimeout = shutdownTimeout;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code) => {
        process.off("exit", kill);
        resolve(code ?? 1);
      });
    });
  }

  /**
   * Ends it gracefully, or by force when that takes too long. It is told by letting go of it: unlike
   * a signal that works on Windows, and does no harm where the terminal has sent a signal already.
   */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), this.#shutdownTimeout + killMargin);
    if (this.#process.connected) this.#process.disconnect();
    await this.ended;
    clearTimeout(timer);
  }
}
