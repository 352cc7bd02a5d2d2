import { MillraceError } from "../protocol/errors.ts";
import { type Argument, Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { isLasting, isReply, isReplyOf, lost, outcomeUnknown, refused, tooMuchWaits, unavailable } from "./faults.ts";
import { OfflineQueue } from "./offline-queue.ts";
import { Locator } from "./locator.ts";
import type { ConnectionSettings } from "./options.ts";
import { Pulse } from "./pulse.ts";
import { Reconnector } from "./reconnector.ts";

/** What differs from link to link. */
export interface LinkOptions {
  /** What its connections are called in Redis' list of clients. @default "millrace" */
  readonly name?: string;
  /**
   * The link is for commands that wait in Redis for up to so many milliseconds, and for nothing
   * else: it has this much more time to answer.
   */
  readonly blocksFor?: number;
  /** Scripts that Redis is taught on each new connection, before anything else is sent. */
  readonly scripts?: ReadonlyArray<{ readonly source: string }>;
  /** The connection was lost; it was well at `since`, in milliseconds since 1970. */
  readonly onDown?: (since: number, reason: MillraceError) => void;
  /**
   * The link is up again, and was not well between the two times; `since` may be earlier than was
   * told before. `until` lies ahead while others may still be where Redis was before.
   */
  readonly onUp?: (since: number, until: number) => void;
}

/**
 * Sends commands to one Redis. It connects when first used, and again whenever the connection is
 * lost. Every command has one of these ends, and is never sent twice:
 *
 * - Redis' answer;
 * - `ERR_REDIS`: Redis answered with an error;
 * - `ERR_LAYER_UNAVAILABLE`: Redis is away, and the command was not sent, because it has waited for
 *   as long as it may or because too much waits before it;
 * - `ERR_OUTCOME_UNKNOWN`: it was sent, and the connection was lost before the answer came;
 * - `ERR_LAYER_CLOSED`: the link is closed, and the command was not sent.
 *
 * Commands to one server are carried out in the order of the calls, also over an outage.
 */
export class Link {
  readonly #endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #options: LinkOptions;
  readonly #reconnector: Reconnector;
  readonly #offline: OfflineQueue;
  readonly #locator: Locator;
  readonly #pulse: Pulse;
  #connection: Connection | undefined;
  #failure: Error | undefined;
  #down = false;
  #owed = 0;
  #closing: Promise<void> | undefined;
  #answeredAll: (() => void) | undefined;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, options: LinkOptions = {}) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#options = options;
    this.#offline = new OfflineQueue(settings);
    this.#locator = new Locator(endpoint, settings, "commands");
    this.#pulse = new Pulse(settings.probeInterval, this.#locator.sentinels);
    this.#reconnector = new Reconnector(
      {
        makeConnection: () => this.#makeConnection(),
        connected: (connection) => this.#connected(connection),
        disconnected: (reason) => this.#disconnected(reason),
      },
      settings,
    );
  }

  /** Where Redis is, for people. */
  get address(): string {
    return this.#endpoint.address;
  }

  /** Whether a command that is sent now goes out at once. */
  get up(): boolean {
    return this.#connection?.usable === true;
  }

  /** How many commands wait for Redis to come back. */
  get waiting(): number {
    return this.#offline.length;
  }

  /**
   * Connects, for those who want to know at start whether Redis is there. The link goes on trying
   * after a failure, until it is closed.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` when the attempt fails, `ERR_REDIS` when Redis
   *   refuses the login.
   */
  async connect(): Promise<void> {
    if (this.#closing !== undefined) throw this.#closedError();
    if (this.up) return;
    try {
      await this.#reconnector.attempt();
    } catch (reason) {
      throw this.#closing === undefined ? unavailable(this.address, reason) : this.#closedError();
    }
  }

  /** Sends a command; texts are answered as strings, whole numbers as numbers, nothing as `null`. */
  call(command: string, ...args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, args, (connection) => connection.call(command, args));
  }

  /** Sends a command; texts are answered as bytes. */
  callBuffer(command: string, ...args: readonly Argument[]): Promise<unknown> {
    return this.#send(command, args, (connection) => connection.callBuffer(command, args));
  }

  /**
   * Takes no more commands, refuses what waits for Redis, lets what was sent be answered, and ends.
   * Closing twice does nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(
    command: string,
    args: readonly Argument[],
    write: (connection: Connection) => Promise<unknown>,
  ): Promise<unknown> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    this.#reconnector.start();
    const connection = this.#connection;
    if (connection?.usable === true) return this.#write(command, connection, write);
    // What can't be healed by waiting is told at once.
    if (isLasting(this.#failure)) return Promise.reject(unavailable(this.address, this.#failure));
    return new Promise((resolve, reject) => {
      const waits = this.#offline.push({
        bytes: sizeOf(args),
        send: () => void this.#send(command, args, write).then(resolve, reject),
        refuse: () => reject(this.#refusal()),
      });
      if (!waits) reject(this.#offline.length === 0 ? this.#refusal() : tooMuchWaits(this.address, this.#failure));
    });
  }

  async #write(
    command: string,
    connection: Connection,
    write: (connection: Connection) => Promise<unknown>,
  ): Promise<unknown> {
    const asked = Date.now();
    this.#owed++;
    try {
      const answer = await write(connection);
      this.#pulse.answered(asked);
      return answer;
    } catch (error) {
      if (!isReply(error)) throw outcomeUnknown(this.address, command, connection.reason ?? error);
      this.#pulse.answered(asked);
      // A master that has become a replica, or asks for a login again, is no use on this connection.
      if (["READONLY", "UNBLOCKED", "NOAUTH"].some((word) => isReplyOf(error, word))) connection.drop(error);
      throw refused(this.address, error, command);
    } finally {
      if (--this.#owed === 0) this.#answeredAll?.();
    }
  }

  async #makeConnection(): Promise<Connection> {
    const { name = "millrace", blocksFor = 0 } = this.#options;
    const answerTimeout = this.#settings.probeTimeout + blocksFor;
    const endpoint = await this.#locator.locate();
    return new Connection(endpoint, this.#settings, { name, answerTimeout });
  }

  async #connected(connection: Connection): Promise<void> {
    const asked = Date.now();
    await Promise.all([this.#awaitReady(connection), this.#teach(connection)]);
    if (this.#endpoint.kind === "cluster") this.#locator.learn(await connection.nodes());
    this.#connection = connection;
    this.#failure = undefined;
    const { since, settles } = this.#pulse.start(connection, asked);
    if (this.#down) this.#options.onUp?.(since, Date.now() + settles);
    this.#down = false;
    this.#offline.sendAll();
  }

  /** A server that still reads its data answers to nothing else. */
  async #awaitReady(connection: Connection): Promise<void> {
    try {
      await connection.call("PING", []);
    } catch (error) {
      // A user who may not ask will be told by the first command.
      if (!isReply(error) || isReplyOf(error, "LOADING")) throw error;
    }
  }

  async #teach(connection: Connection): Promise<void> {
    const { scripts = [] } = this.#options;
    const taught = scripts.map(({ source }) => connection.call("SCRIPT", ["LOAD", source]));
    for (const { status, reason } of (await Promise.allSettled(taught)) as PromiseRejectedResult[]) {
      // A user who may not teach can still send the script itself.
      if (status === "rejected" && !isReply(reason)) throw reason;
    }
  }

  #disconnected(reason: Error): void {
    this.#pulse.stop();
    this.#failure = reason;
    if (isLasting(reason)) this.#offline.refuseAll();
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#down = true;
    this.#options.onDown?.(this.#pulse.lastAlive, lost(this.address, reason));
  }

  #refusal(): MillraceError {
    return this.#closing === undefined ? unavailable(this.address, this.#failure) : this.#closedError();
  }

  #closedError(): MillraceError {
    return new MillraceError("ERR_LAYER_CLOSED", { happened: `The link to Redis at ${this.address} has been closed` });
  }

  async #close(): Promise<void> {
    // In the next turn of the queue, so that what is refused knows that the link is closing.
    await Promise.resolve();
    this.#offline.refuseAll();
    if (this.#owed > 0) await new Promise<void>((resolve) => (this.#answeredAll = resolve));
    this.#pulse.stop();
    this.#locator.close();
    await this.#reconnector.close(new Error("The link was closed"));
  }
}

function sizeOf(args: readonly Argument[]): number {
  let size = 0;
  for (const argument of args) size += typeof argument === "number" ? 8 : Buffer.byteLength(argument);
  return size;
}
