import type { Connection } from "./connection.ts";
import { isReplyOf } from "./faults.ts";
import type { Sentinels } from "./sentinels.ts";

/** How long sentinels may take to tell each other of a new master: they do so every two seconds. */
const sentinelsTalkWithin = 2000;

/** What is known of an outage when it is over. */
export interface Outage {
  /** The last moment before it at which all was known to be well, in milliseconds since 1970. */
  readonly since: number;
  /** How long others may still be where Redis was before, in milliseconds. */
  readonly settles: number;
}

/**
 * Asks a connection at intervals whether it lives, and remembers when it was last known to. What
 * Redis had to say before it answered has arrived before the answer; so all was well at the moment
 * at which the last answered question was asked.
 *
 * Where sentinels decide who is master they are asked too. A master that they have given up answers
 * for as long as it likes, while others send to the new one: all was well only while most of them
 * named the one that was asked.
 */
export class Pulse {
  readonly #interval: number;
  readonly #sentinels: Sentinels | undefined;
  #timer: NodeJS.Timeout | undefined;
  #connection: Connection | undefined;
  #server: string | undefined;
  #lastAlive = Date.now();
  #lastNamed = Date.now();
  /** Whether the server was left because it is no master any more; others ask it as often, and learn of it as late. */
  #demoted = false;
  /** When all others must have left the server that was left, in milliseconds since 1970. */
  #allMovedAt = 0;

  /** @param interval in milliseconds. */
  constructor(interval: number, sentinels?: Sentinels) {
    this.#interval = interval;
    this.#sentinels = sentinels;
  }

  /** The last moment at which the server was known to be well, in milliseconds since 1970. */
  get lastAlive(): number {
    return this.#lastAlive;
  }

  /**
   * Begins to ask a connection that is open. One that refuses to answer, or whose server is no
   * longer named, is dropped; one that is silent drops itself.
   *
   * @param opened is when it was opened.
   * @returns what is known of the outage before it, if there was one.
   */
  start(connection: Connection, opened: number): Outage {
    this.stop();
    const moved = this.#server !== undefined && this.#server !== connection.address && this.#sentinels !== undefined;
    const since = moved ? Math.min(this.#lastAlive, this.#lastNamed) - sentinelsTalkWithin : this.#lastAlive;
    if (moved) this.#allMovedAt = Date.now() + sentinelsTalkWithin + this.#interval;
    else if (this.#demoted) this.#allMovedAt = Math.max(this.#allMovedAt, Date.now() + this.#interval);
    this.#demoted = false;
    const outage = { since, settles: Math.max(0, this.#allMovedAt - Date.now()) };
    this.#connection = connection;
    this.#server = connection.address;
    this.#lastNamed = opened;
    this.answered(opened);
    this.#timer = setInterval(() => this.#ask(connection), this.#interval);
    this.#timer.unref();
    return outage;
  }

  /** Something that was asked at this time has been answered. */
  answered(asked: number): void {
    if (asked > this.#lastAlive) this.#lastAlive = asked;
  }

  /** Asks no more, until it is started again. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#connection = undefined;
  }

  #ask(connection: Connection): void {
    const asked = Date.now();
    connection.probe().then(
      () => this.answered(asked),
      (reason: unknown) => {
        this.#demoted ||= isReplyOf(reason, "READONLY");
        connection.drop(reason);
      },
    );
    void this.#sentinels?.decided().then((master) => {
      if (master === undefined || connection !== this.#connection) return;
      if (connection.address === master) this.#lastNamed = Math.max(this.#lastNamed, asked);
      else connection.drop(new Error(`The sentinels name another master, ${master}`));
    });
  }
}
