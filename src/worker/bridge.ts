import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { JobKeys } from "../layers/job-keys.ts";
import { publish } from "../protocol/diagnostics.ts";
import { isMillraceError } from "../protocol/errors.ts";
import type { Link } from "../redis/link.ts";
import { hold, release } from "./job-scripts.ts";

/** How what Python sends to one channel is moved to the channel's jobs. */
export interface Source {
  /** Begins, because this worker has the right to. What it moves, it moves under the token. */
  begin(token: string): Promise<void>;
  /** Moves what is there; called often while the worker has the right. Says whether another has it by now. */
  move(token: string): Promise<boolean>;
  /** Ends. */
  end(): Promise<void>;
}

/** What a bridge needs. */
export interface BridgeParts {
  readonly channel: string;
  readonly keys: JobKeys;
  /** To the host of the channel's jobs. */
  readonly link: Link;
  readonly source: Source;
  /** Something failed of which no caller hears. */
  readonly failed: (thrown: unknown) => void;
}

/** For how long the right is a worker's that does not renew it, in milliseconds. */
const holdTime = 5000;
/** How often a worker that has the right looks for what Python sent, and one that has not tries to get it. */
const interval = 250;
/** How often the right is renewed. */
const renewal = 1000;

/**
 * Moves what Python sends to a channel to the channel's jobs. Of all workers of the channel one at
 * a time does so: it holds a key in Redis, and every move looks whether it still does.
 */
export class Bridge {
  readonly #parts: BridgeParts;
  readonly #token = randomBytes(12).toString("hex");
  readonly #stop = new AbortController();
  #held = false;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: BridgeParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends, and lets another worker go on. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const { keys, link, source } = this.#parts;
    if (this.#held) await this.#lose();
    else await source.end();
    if (link.up) await Promise.allSettled([release.run(link, [keys.bridge], [this.#token])]);
  }

  async #run(): Promise<void> {
    let renewed = -Infinity;
    while (!this.#stop.signal.aborted) {
      try {
        if (!this.#held || performance.now() - renewed >= renewal) {
          const asked = performance.now();
          await this.#hold();
          renewed = asked;
        }
        if (this.#held && (await this.#parts.source.move(this.#token))) await this.#lose();
      } catch (error) {
        // The loss of Redis is told by its links.
        if (!isLoss(error)) this.#parts.failed(error);
        if (this.#held && performance.now() - renewed >= holdTime) await this.#lose();
      }
      await pause(interval, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  async #hold(): Promise<void> {
    const { channel, keys, link, source } = this.#parts;
    const held = (await hold.run(link, [keys.bridge], [this.#token, holdTime])) === 1;
    if (held === this.#held) return;
    if (!held) return this.#lose();
    await source.begin(this.#token);
    this.#held = true;
    publish("millrace:worker:bridge", () => ({ channel, held }));
    return undefined;
  }

  async #lose(): Promise<void> {
    const { channel, source } = this.#parts;
    this.#held = false;
    await source.end();
    publish("millrace:worker:bridge", () => ({ channel, held: false }));
  }
}

function isLoss(error: unknown): boolean {
  return isMillraceError(error, "ERR_OUTCOME_UNKNOWN") || isMillraceError(error, "ERR_LAYER_UNAVAILABLE");
}
