import { Cluster, Redis } from "ioredis";
import { toError } from "../protocol/errors.ts";
import { type ConnectionPurpose, disconnectTimeout, makeClient } from "./client.ts";
import type { DirectEndpoint } from "./endpoint.ts";
import { isReply, isReplyOf, replicaMessage, replyError } from "./faults.ts";
import type { ConnectionSettings } from "./options.ts";
import { Silence } from "./silence.ts";

/** What can be sent to Redis. */
export type Argument = string | number | Buffer;

/**
 * One connection with one life: it opens, and it ends. It never connects again and never sends
 * anything twice; whoever wants another makes another.
 */
export class Connection {
  /** Settles with the reason when the connection has ended. It never rejects. */
  readonly ended: Promise<Error>;
  readonly #client: Redis | Cluster;
  readonly #endpoint: DirectEndpoint;
  readonly #openTimeout: number;
  readonly #isSharded: boolean;
  readonly #silence: Silence;
  /** What a cluster owes an answer. */
  readonly #owed = new Set<(reason: Error) => void>();
  #end: () => void = () => {};
  #hasEnded = false;
  #ending: NodeJS.Timeout | undefined;
  #reason: Error | undefined;
  #mayAsk = true;
  #corked = false;

  constructor(endpoint: DirectEndpoint, settings: ConnectionSettings, purpose: ConnectionPurpose) {
    this.#endpoint = endpoint;
    this.#openTimeout = settings.connectTimeout;
    this.#isSharded = purpose.sharded === true;
    const { answerTimeout } = purpose;
    this.#silence = new Silence(answerTimeout, () => this.drop(new Error(`No answer within ${answerTimeout} ms`)));
    const client = makeClient(endpoint, settings, { ...purpose, watched: true });
    this.#client = client;
    if (client instanceof Redis) {
      client.once("connect", () => client.stream.on("data", () => this.#silence.heard()));
    }
    // What goes wrong first is the reason; what follows from it says less.
    this.#client.on("error", (error: Error) => (this.#reason ??= error));
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        clearTimeout(this.#ending);
        this.#silence.end();
        const reason = this.#reason ?? new Error("Redis closed the connection");
        this.#hasEnded = true;
        for (const refuse of this.#owed) refuse(reason);
        resolve(reason);
      };
      this.#client.once("end", this.#end);
    });
  }

  /** Connects, logs in and looks whether the server can do its work. Rejects with the reason when not. */
  async open(): Promise<void> {
    const timer = setTimeout(() => this.drop(new Error("No answer in time")), this.#openTimeout);
    try {
      // ioredis leaves it open how connecting ends where it gives a cluster up.
      await Promise.race([this.#client.connect(), this.#failed()]);
      // A database that can't be selected is an error that ioredis goes on from, in another one.
      if (this.#reason !== undefined) throw this.#reason;
      await this.probe();
    } catch (thrown) {
      // ioredis rejects with a general error, and emits the one behind it.
      this.drop(thrown);
      throw this.#reason ?? thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Why the connection ends, once something has gone wrong. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Where it goes to. */
  get address(): string {
    return this.#endpoint.address;
  }

  /** Whether what is sent now goes out. */
  get usable(): boolean {
    if (this.#client.status !== "ready" || this.#reason !== undefined) return false;
    return this.#client instanceof Cluster || this.#client.stream.writable;
  }

  /** Sends a command; texts are answered as strings. Rejects with ioredis' errors. */
  call(command: string, args: readonly Argument[]): Promise<unknown> {
    this.#gather();
    return this.#answered(this.#client.call(command, [...args]));
  }

  /** Sends a command; texts are answered as bytes. Rejects with ioredis' errors. */
  callBuffer(command: string, args: readonly Argument[]): Promise<unknown> {
    this.#gather();
    return this.#answered(this.#client.callBuffer(command, [...args]));
  }

  /** Asks whether the server lives, and whether it can do its work. */
  async probe(): Promise<void> {
    if (!this.#mayAsk || this.#endpoint.kind === "cluster") return void (await this.call("PING", []));
    try {
      await (this.#endpoint.isNode === true ? this.#askForCluster() : this.#askForRole());
    } catch (error) {
      if (!isReply(error) || isReplyOf(error, "READONLY") || isReplyOf(error, "LOADING")) throw error;
      // The user may not ask, or is in the mode of an old Redis in which it may only ping.
      this.#mayAsk = false;
      await this.call("PING", []);
    }
  }

  /** What a node answers to `CLUSTER SLOTS`; nothing where the user may not ask. */
  async nodes(): Promise<unknown> {
    try {
      return await this.call("CLUSTER", ["SLOTS"]);
    } catch (error) {
      if (!isReply(error)) throw error;
      return undefined;
    }
  }

  /** Subscribes to channels; settles when Redis has acknowledged them all. */
  async subscribe(channels: readonly string[]): Promise<void> {
    this.#gather();
    // The channels of one command would have to be in one slot.
    const asked = this.#isSharded
      ? Promise.all(channels.map((channel) => this.#client.ssubscribe(channel)))
      : this.#client.subscribe(...channels);
    await this.#answered(asked);
  }

  /** Subscribes to all channels of some globs; settles when Redis has acknowledged them all. */
  async subscribePatterns(patterns: readonly string[]): Promise<void> {
    this.#gather();
    await this.#answered(this.#client.psubscribe(...patterns));
  }

  /** Settles when Redis has acknowledged, and no message comes any more. */
  async unsubscribe(channels: readonly string[]): Promise<void> {
    this.#gather();
    const asked = this.#isSharded
      ? Promise.all(channels.map((channel) => this.#client.sunsubscribe(channel)))
      : this.#client.unsubscribe(...channels);
    await this.#answered(asked);
  }

  /** Settles when Redis has acknowledged, and no message comes any more. */
  async unsubscribePatterns(patterns: readonly string[]): Promise<void> {
    this.#gather();
    await this.#answered(this.#client.punsubscribe(...patterns));
  }

  /**
   * Hands each message over at once, in the order of arrival; with the glob, if it came by one. The
   * listener MUST NOT throw.
   */
  onMessage(listener: (channel: Buffer, payload: Buffer, pattern?: string) => void): void {
    this.#client.on(this.#isSharded ? "smessageBuffer" : "messageBuffer", listener);
    this.#client.on("pmessageBuffer", (pattern: string, channel: Buffer, payload: Buffer) =>
      listener(channel, payload, pattern),
    );
  }

  /**
   * The server has taken channels away, or refused them, because their slots are elsewhere. It does
   * not say reliably which; of those that move together it is told once.
   */
  onMoved(listener: () => void): void {
    let telling = false;
    this.#client.on("moved", () => {
      if (telling) return;
      telling = true;
      setImmediate(() => {
        telling = false;
        listener();
      });
    });
  }

  /** Ends the connection at once. What it owes rejects. */
  drop(reason: unknown): void {
    this.#reason ??= toError(reason);
    this.#silence.end();
    this.#client.removeAllListeners("messageBuffer");
    this.#client.removeAllListeners("smessageBuffer");
    this.#client.removeAllListeners("pmessageBuffer");
    if (this.#hasEnded || this.#client.status === "end") return;
    this.#client.disconnect();
    // A cluster of which no node could be reached says nothing of its end.
    if (this.#client instanceof Cluster) this.#ending ??= setTimeout(this.#end, 2 * disconnectTimeout);
    // A polite end would wait for the peer, which may be dead.
    if (this.#client instanceof Redis) (this.#client.stream as Redis["stream"] | undefined)?.destroy();
  }

  /** ioredis never answers some commands for a cluster that it held back when it gave the cluster up. */
  #answered(answer: Promise<unknown>): Promise<unknown> {
    if (this.#client instanceof Redis) return this.#silence.owe(answer);
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) reject(this.#reason ?? new Error("Redis closed the connection"));
      this.#owed.add(reject);
      void answer.then(resolve, reject).finally(() => this.#owed.delete(reject));
    });
  }

  /** Rejects when the connection has ended. */
  async #failed(): Promise<never> {
    throw await this.ended;
  }

  /** What is published on a replica stays on it. */
  async #askForRole(): Promise<void> {
    const role = await this.call("ROLE", []);
    if (Array.isArray(role) && role[0] === "slave") throw replyError(replicaMessage);
  }

  /** A node that finds the cluster down may be cut off from it, and hear nothing of what the others publish. */
  async #askForCluster(): Promise<void> {
    const info = await this.call("CLUSTER", ["INFO"]);
    if (!String(info).includes("cluster_state:ok")) throw new Error("The node finds its cluster down");
  }

  /** Lets what is sent in one turn go out in one piece. */
  #gather(): void {
    if (this.#corked || this.#client instanceof Cluster) return;
    const { stream } = this.#client;
    this.#corked = true;
    stream.cork();
    setImmediate(() => {
      this.#corked = false;
      stream.uncork();
    });
  }
}
