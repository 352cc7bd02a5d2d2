import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const program = 'read line || { kill -9 "$0"; [ -z "$1" ] || rm -rf "$1"; }';

/** Ends a process, and removes its folder if it has one, when this process has ended without saying so before. */
export class Watchdog {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(pid: number, folder = "") {
    this.#child = spawn("/bin/sh", ["-c", program, String(pid), folder], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#ended = once(this.#child, "exit");
    this.#child.unref();
  }

  /** The process has ended, or is about to. Settles when nobody watches it any more. */
  async relieve(): Promise<void> {
    this.#child.stdin?.end("relieved\n");
    await this.#ended;
  }
}
