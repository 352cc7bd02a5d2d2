import { Backoff } from "../flow/backoff.ts";
import { toError } from "../protocol/errors.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionSettings } from "./options.ts";

/** Hears of the connections of a {@link Reconnector}. */
export interface ConnectionOwner {
  /** Makes a connection that is not open yet. A rejection is a failed attempt. */
  makeConnection(): Connection | Promise<Connection>;
  /** A connection is open. It counts as up once this has settled, and is dropped if it rejects. */
  connected(connection: Connection): void | Promise<void>;
  /** An attempt has failed, or the connection was lost. Another attempt follows. */
  disconnected(reason: Error): void;
}

/** Somebody who wants to know how an attempt ends. */
interface Awaiting {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** Keeps one connection up: whenever it is lost makes another, with more and more time between attempts. */
export class Reconnector {
  readonly #owner: ConnectionOwner;
  readonly #settings: ConnectionSettings;
  readonly #backoff: Backoff;
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #pausing: NodeJS.Timeout | undefined;
  #waking: (() => void) | undefined;
  #awaiting: Awaiting[] = [];
  #closed = false;

  constructor(owner: ConnectionOwner, settings: ConnectionSettings) {
    this.#owner = owner;
    this.#settings = settings;
    this.#backoff = new Backoff(settings.retryDelay, settings.maxRetryDelay);
  }

  /** Begins, if it has not yet. */
  start(): void {
    if (!this.#closed) this.#running ??= this.#run();
  }

  /** Begins, and settles with how the attempt ends that is being made, or the next one. */
  attempt(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#awaiting.push({ resolve, reject });
      this.start();
    });
  }

  /** Drops the connection, so that another is made. */
  drop(reason: Error): void {
    this.#connection?.drop(reason);
  }

  /** Ends the connection, and makes no other. */
  async close(reason: Error): Promise<void> {
    this.#closed = true;
    this.#connection?.drop(reason);
    this.#waking?.();
    await this.#running;
    this.#settle((attempt) => attempt.reject(reason));
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const reason = await this.#live();
      if (this.#closed) return;
      this.#owner.disconnected(reason);
      await this.#pause(this.#backoff.next());
    }
  }

  /** Settles with the reason for which the connection has ended. */
  async #live(): Promise<Error> {
    let connection: Connection | undefined;
    try {
      connection = await this.#owner.makeConnection();
      this.#connection = connection;
      if (this.#closed) throw new Error("Closed before it connected");
      await connection.open();
      if (this.#closed) throw new Error("Closed while it connected");
      await this.#owner.connected(connection);
    } catch (thrown) {
      const failure = toError(thrown);
      connection?.drop(failure);
      this.#settle((attempt) => attempt.reject(failure));
      return failure;
    }
    this.#settle((attempt) => attempt.resolve());
    const upSince = performance.now();
    const reason = await connection.ended;
    // A server that drops each connection at once is not to be asked all the time.
    if (performance.now() - upSince > this.#settings.maxRetryDelay) this.#backoff.reset();
    return reason;
  }

  #settle(settle: (attempt: Awaiting) => void): void {
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    for (const attempt of awaiting) settle(attempt);
  }

  async #pause(delay: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#waking = resolve;
      this.#pausing = setTimeout(resolve, delay);
    });
    clearTimeout(this.#pausing);
  }
}
