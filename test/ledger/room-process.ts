import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromProcess, LayerInterval } from "./exchange.ts";
import type { Served } from "./room-client.ts";

const program = fileURLToPath(new URL("room-server.ts", import.meta.url));

/** Which layer a site has. */
export type LayerKind = "pubsub" | "core";

let started = 0;

/** A process of a site, which serves rooms. It does not outlive the test's own. */
export class RoomProcess implements Served, AsyncDisposable {
  readonly number = started++;
  readonly told: LayerInterval[] = [];
  /** What it published that is no fault of Redis. */
  readonly troubles: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #port = 0;
  #killed = false;

  private constructor(kinds: readonly LayerKind[], options: object) {
    const execArgv = ["--conditions", "@millrace/source", "--import", "tsx"];
    this.#child = fork(program, [kinds.join(","), JSON.stringify(options)], { execArgv });
    this.#ended = once(this.#child, "exit");
  }

  static async start(kinds: readonly LayerKind[], options: object): Promise<RoomProcess> {
    const process = new RoomProcess(kinds, options);
    const serving = new Promise<void>((resolve, reject) => {
      process.#child.on("message", (message: FromProcess) => {
        if ("since" in message) process.told.push(message);
        else if ("trouble" in message) process.troubles.push(message.trouble);
        else {
          process.#port = message.port;
          resolve();
        }
      });
      process.#child.once("exit", (code) => reject(new Error(`The process has ended with ${code}`)));
    });
    await serving;
    return process;
  }

  get port(): number {
    return this.#port;
  }

  get killed(): boolean {
    return this.#killed;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
