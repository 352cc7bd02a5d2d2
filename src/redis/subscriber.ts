import { MillraceError } from "../protocol/errors.ts";
import { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { isLasting, isReply, isReplyOf, lost, refused, unavailable } from "./faults.ts";
import { Locator } from "./locator.ts";
import type { ConnectionSettings } from "./options.ts";
import { type Outage, Pulse } from "./pulse.ts";
import { Reconnector } from "./reconnector.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";

/** What differs from subscriber to subscriber, and who hears of it. */
export interface SubscriberOptions {
  /** What its connections are called in Redis' list of clients. @default "millrace-subscriber" */
  readonly name?: string;
  /**
   * For how long a channel that nobody wants any more stays subscribed, in milliseconds: somebody
   * may want it again at once. @default 20
   */
  readonly linger?: number;
  /** Channels are those of sharded pub/sub, in slots that the server has. It has no globs. */
  readonly sharded?: boolean;
  /**
   * Takes each message of a wanted channel at once, in the order of arrival. A message may come
   * before the promise of `subscribe` has settled, and comes once more for each wanted glob that
   * fits its channel. It MUST NOT throw.
   */
  readonly onMessage: (channel: string, payload: Buffer) => void;
  /** The slot of a wanted channel has gone to another server. It is still wanted here, and not received. */
  readonly onMoved?: (channel: string) => void;
  /** The connection was lost. What was published from `since` on, in milliseconds since 1970, may be missing. */
  readonly onDegraded?: (since: number, reason: MillraceError) => void;
  /**
   * All channels are subscribed again. What was published between the two times may be missing.
   * `since` may be earlier than was told before: after a failover it is known that others may have
   * sent to the new master while the old one still answered. It is told a little later then, when
   * all others must have heard of the new one.
   */
  readonly onRecovered?: (since: number, until: number) => void;
}

/**
 * Receives channels of one Redis over one connection. Subscriptions are counted, and survive the
 * connection: it connects when first used, and after a loss subscribes everything again before it
 * says that it has recovered. A connection that is open but dead is noticed by a question at
 * intervals (`probeInterval`, `probeTimeout`) and dropped.
 */
export class RedisSubscriber {
  readonly #endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #options: SubscriberOptions;
  readonly #channels: Subscriptions;
  readonly #patterns: Subscriptions;
  readonly #reconnector: Reconnector;
  readonly #locator: Locator;
  readonly #pulse: Pulse;
  #connection: Connection | undefined;
  #well = false;
  #failure: Error | undefined;
  #degradedSince: number | undefined;
  #settling: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, options: SubscriberOptions) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#options = options;
    this.#locator = new Locator(endpoint, settings, "subscriptions");
    this.#pulse = new Pulse(settings.probeInterval, this.#locator.sentinels);
    const { linger = 20 } = options;
    this.#channels = new Subscriptions(false, linger, (names) =>
      this.#unsubscribe((connection) => connection.unsubscribe(names)),
    );
    this.#patterns = new Subscriptions(true, linger, (names) =>
      this.#unsubscribe((connection) => connection.unsubscribePatterns(names)),
    );
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

  /** Whether it is connected and has all its channels. */
  get well(): boolean {
    return this.#well;
  }

  /** How many channels and globs are wanted. */
  get size(): number {
    return this.#channels.size + this.#patterns.size;
  }

  /**
   * Connects, for those who want to know at start whether Redis is there. The subscriber goes on
   * trying after a failure, until it is closed.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` when the attempt fails, `ERR_REDIS` when Redis
   *   refuses the login.
   */
  async connect(): Promise<void> {
    if (this.#closing !== undefined) throw this.#closedError();
    if (this.#well) return;
    try {
      await this.#reconnector.attempt();
    } catch (reason) {
      throw this.#closing === undefined ? unavailable(this.address, reason) : this.#closedError();
    }
  }

  /**
   * Wants a channel, once more. It settles when Redis has acknowledged the subscription: what is
   * published from then on arrives. After a rejection the channel is not wanted by this call.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` when Redis does not acknowledge within
   *   `offlineTimeout` and nothing is subscribed, `ERR_REDIS` when it refuses, `ERR_LAYER_CLOSED`.
   */
  subscribe(channel: string): Promise<void> {
    return this.#want(this.#channels, channel);
  }

  /** Wants a channel once less: for each `subscribe` that was fulfilled, once. When nobody wants it any more it is unsubscribed, a little later. */
  unsubscribe(channel: string): void {
    this.#channels.release(channel);
  }

  /** {@link subscribe} for all channels of a glob. */
  subscribePattern(pattern: string): Promise<void> {
    return this.#want(this.#patterns, pattern);
  }

  /** {@link unsubscribe} for all channels of a glob. */
  unsubscribePattern(pattern: string): void {
    this.#patterns.release(pattern);
  }

  /** Asks the server something beside its channels. Rejects where it is not connected. */
  async ask(command: string, args: readonly string[]): Promise<unknown> {
    if (this.#connection === undefined) throw unavailable(this.address, this.#failure);
    return this.#connection.call(command, args);
  }

  /** Receives nothing more, and ends. Closing twice does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #want(wanted: Subscriptions, channel: string): Promise<void> {
    if (this.#closing !== undefined) throw this.#closedError();
    // What can't be healed by waiting is told at once.
    if (isLasting(this.#failure)) throw unavailable(this.address, this.#failure);
    this.#reconnector.start();
    const subscription = wanted.want(channel);
    if (subscription.active) return;
    const { offlineTimeout, probeTimeout } = this.#settings;
    const timeout = this.#connection === undefined ? offlineTimeout : Math.max(offlineTimeout, probeTimeout);
    try {
      if (!subscription.asked && this.#connection !== undefined) void this.#askNew(this.#connection, subscription);
      await subscription.acknowledged(timeout, () => unavailable(this.address, this.#failure));
    } catch (error) {
      wanted.release(channel);
      throw error;
    }
  }

  async #makeConnection(): Promise<Connection> {
    const { name = "millrace-subscriber", sharded = false } = this.#options;
    const endpoint = await this.#locator.locate();
    return new Connection(endpoint, this.#settings, { name, answerTimeout: this.#settings.probeTimeout, sharded });
  }

  async #connected(connection: Connection): Promise<void> {
    connection.onMessage((channel, payload, pattern) => {
      const name = channel.toString();
      const wanted = pattern === undefined ? this.#channels.wants(name) : this.#patterns.wants(pattern);
      if (wanted) this.#options.onMessage(name, payload);
    });
    const opened = Date.now();
    if (this.#endpoint.kind === "cluster") this.#locator.learn(await connection.nodes());
    connection.onMoved(() => {
      if (connection === this.#connection)
        this.#askForAll(connection).catch((error: unknown) => connection.drop(error));
    });
    // From now on new subscriptions ask for themselves.
    this.#connection = connection;
    await this.#askForAll(connection);
    this.#failure = undefined;
    this.#well = true;
    this.#resumed(this.#pulse.start(connection, opened));
  }

  /** All is subscribed again. Others may for a while still be where Redis was before, and the gap lasts as long. */
  #resumed({ since, settles }: Outage): void {
    if (this.#degradedSince === undefined) return;
    this.#degradedSince = Math.min(this.#degradedSince, since);
    if (settles === 0) this.#recovered();
    else this.#settling = setTimeout(() => this.#recovered(), settles).unref();
  }

  #recovered(): void {
    const since = this.#degradedSince;
    this.#degradedSince = undefined;
    if (since !== undefined) this.#options.onRecovered?.(since, Date.now());
  }

  /** Settles when Redis has acknowledged channels on a connection. */
  async #ask(connection: Connection, subscriptions: readonly Subscription[]): Promise<void> {
    const asked = Date.now();
    for (const subscription of subscriptions) subscription.asked = true;
    const names = subscriptions.map(({ channel }) => channel);
    await (subscriptions[0]?.isPattern === true ? connection.subscribePatterns(names) : connection.subscribe(names));
    this.#pulse.answered(asked);
    if (connection !== this.#connection) return;
    for (const subscription of subscriptions) subscription.acknowledge();
  }

  /** Asks for a channel that is new. Where the connection is lost meanwhile, the next one asks again. */
  async #askNew(connection: Connection, subscription: Subscription): Promise<void> {
    try {
      await this.#ask(connection, [subscription]);
    } catch (error) {
      if (isReply(error)) subscription.fail(() => refused(this.address, error, "SUBSCRIBE"));
    }
  }

  async #askForAll(connection: Connection): Promise<void> {
    const batches = [...this.#channels.batches(), ...this.#patterns.batches()];
    await Promise.all(batches.map((batch) => this.#askAgain(connection, batch)));
  }

  /** Asks for channels on a new connection, which is no good unless Redis grants what it granted before. */
  async #askAgain(connection: Connection, subscriptions: readonly Subscription[]): Promise<void> {
    try {
      await this.#ask(connection, subscriptions);
    } catch (error) {
      if (!isReply(error)) throw error;
      // One that is refused has all of its command refused.
      const [first, ...others] = subscriptions;
      if (first !== undefined && others.length > 0) {
        for (const subscription of subscriptions) await this.#askAgain(connection, [subscription]);
        return;
      }
      const moved = isReplyOf(error, "MOVED");
      if (first?.established === true && !moved) throw error;
      if (moved) first?.lost();
      first?.fail(() => refused(this.address, error, "SUBSCRIBE"));
      if (moved && first !== undefined) this.#options.onMoved?.(first.channel);
    }
  }

  #unsubscribe(unsubscribe: (connection: Connection) => Promise<void>): void {
    const connection = this.#connection;
    // Where the connection is lost, so are the subscriptions.
    if (connection !== undefined) unsubscribe(connection).catch((error: unknown) => connection.drop(error));
  }

  #disconnected(reason: Error): void {
    this.#pulse.stop();
    this.#failure = reason;
    this.#connection = undefined;
    const refusal = isLasting(reason) ? () => unavailable(this.address, reason) : undefined;
    this.#channels.lost(refusal);
    this.#patterns.lost(refusal);
    if (!this.#well) return;
    this.#well = false;
    clearTimeout(this.#settling);
    // Lost again before it had recovered.
    if (this.#degradedSince !== undefined) return;
    this.#degradedSince = this.#pulse.lastAlive;
    this.#options.onDegraded?.(this.#degradedSince, lost(this.address, reason));
  }

  #closedError(): MillraceError {
    return new MillraceError("ERR_LAYER_CLOSED", {
      happened: `The subscriber of Redis at ${this.address} has been closed`,
    });
  }

  async #close(): Promise<void> {
    this.#pulse.stop();
    this.#locator.close();
    clearTimeout(this.#settling);
    this.#channels.close(() => this.#closedError());
    this.#patterns.close(() => this.#closedError());
    await this.#reconnector.close(new Error("The subscriber was closed"));
  }
}
