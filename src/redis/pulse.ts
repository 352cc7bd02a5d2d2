import type { Connection } from "./connection.ts";

/**
 * Asks a connection at intervals whether it lives, and remembers when it was last known to. What
 * Redis had to say before it answered has arrived before the answer; so all was well at the moment
 * at which the last answered question was asked.
 */
export class Pulse {
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #lastGood = Date.now();

  /** @param interval in milliseconds. */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** The last moment at which all was known to be well, in milliseconds since 1970. */
  get lastGood(): number {
    return this.#lastGood;
  }

  /** Begins to ask. A connection that refuses to answer is dropped; one that is silent drops itself. */
  start(connection: Connection): void {
    this.stop();
    this.#timer = setInterval(() => {
      const asked = Date.now();
      connection.probe().then(
        () => this.answered(asked),
        (reason: unknown) => connection.drop(reason),
      );
    }, this.#interval);
    this.#timer.unref();
  }

  /** Something that was asked at this time has been answered. */
  answered(asked: number): void {
    if (asked > this.#lastGood) this.#lastGood = asked;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
