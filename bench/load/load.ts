import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { fileURLToPath } from "node:url";
import { Child } from "../processes/child.ts";
import { loadCore, pinned } from "../processes/cores.ts";
import type { CrowdOptions } from "./crowd.ts";
import type { Answer, Order } from "./generator.ts";
import type { StormOptions, StormOutcome } from "./storm.ts";
import type { Outcome, Traffic } from "./traffic.ts";

const program = fileURLToPath(new URL("generator.ts", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** The load generator: a process that holds crowds of clients, and lets them send. */
export class Load implements AsyncDisposable {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(): Promise<Load> {
    const [command, ...parameters] = pinned(loadCore, [process.execPath, "--import", tsx, program]);
    return new Load(await Child.start(command, parameters, { ipc: true }));
  }

  /** Lets a crowd enter a room. */
  async enter(crowd: string, options: CrowdOptions): Promise<void> {
    await this.#ask({ do: "enter", crowd, options });
  }

  /** Lets a crowd send, and settles when all has arrived. */
  async run(crowd: string, traffic: Traffic): Promise<Outcome> {
    const { outcome } = await this.#ask({ do: "run", crowd, traffic });
    if (outcome === undefined) throw new Error("The load generator ran, and told nothing of it");
    return outcome;
  }

  /** Lets many in as fast as it goes. */
  async storm(options: StormOptions): Promise<StormOutcome> {
    const { storm } = await this.#ask({ do: "storm", options });
    if (storm === undefined) throw new Error("The load generator let nobody in");
    return storm;
  }

  /** Cuts the connections of a crowd. */
  async leave(crowd: string): Promise<void> {
    await this.#ask({ do: "leave", crowd });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }

  async #ask(order: Order): Promise<Exclude<Answer, { readonly error: string }>> {
    const answer = await this.#child.ask<Answer>(order);
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  }
}
