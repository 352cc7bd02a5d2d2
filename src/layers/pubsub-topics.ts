import { randomBytes } from "node:crypto";
import { Shards } from "../redis/shards.ts";
import { ShardedSubscriber } from "../redis/sharded-subscriber.ts";
import { RedisSubscriber, type SubscriberOptions } from "../redis/subscriber.ts";
import type { PubSubSettings } from "./pubsub-options.ts";

/** How many hexadecimal digits tell the channels of one process apart. */
const ownDigits = 16;

/** How channels and groups are called on pub/sub. */
export class PubSubNames {
  readonly #prefix: string;
  readonly #groupPrefix: string;
  readonly #isSharded: boolean;
  /** Stands in the names of all channels of this process, so that they are received together. */
  readonly #origin = randomBytes(8).toString("hex");

  constructor({ prefix, isSharded }: Pick<PubSubSettings, "prefix" | "isSharded">) {
    this.#prefix = prefix;
    this.#groupPrefix = `${prefix}__group__`;
    this.#isSharded = isSharded;
  }

  newChannel(prefix: string): string {
    return `${this.#prefix}${prefix}.${this.#origin}${randomBytes(ownDigits / 2).toString("hex")}`;
  }

  /** Whether a channel was made by this layer, be it that it has ended since. */
  isOwn(channel: string): boolean {
    return channel.startsWith(this.#origin, channel.length - ownDigits - this.#origin.length);
  }

  /** Where a group's messages are published. */
  topicOfGroup(group: string): string {
    return this.#groupPrefix + group;
  }

  /** The group of a topic, if it is one's. */
  groupOf(topic: string): string | undefined {
    return topic.startsWith(this.#groupPrefix) ? topic.slice(this.#groupPrefix.length) : undefined;
  }

  /**
   * Where a channel's messages are published. Sharded pub/sub has no globs, by which a process could
   * receive all of its channels; there they have one topic together, and messages an address.
   */
  topicOf(channel: string): string {
    return this.isAddressed(channel) ? processOf(channel) : channel;
  }

  /** Whether messages to a channel name it, because its topic does not. */
  isAddressed(channel: string): boolean {
    return this.#isSharded && /\.[0-9a-f]{32}$/.test(channel);
  }
}

/** Receives topics, on all hosts. */
export class PubSubReceivers {
  readonly #names: PubSubNames;
  readonly #subscribers: Shards<RedisSubscriber | ShardedSubscriber>;

  /** @param options makes those of one host, which are told what its subscriber is. */
  constructor(
    { endpoints, connection, isSharded }: PubSubSettings,
    names: PubSubNames,
    options: (self: object) => SubscriberOptions,
  ) {
    this.#names = names;
    this.#subscribers = new Shards(
      endpoints.map((endpoint) => {
        const self = {};
        return isSharded && endpoint.kind === "cluster"
          ? new ShardedSubscriber(endpoint, connection, options(self))
          : new RedisSubscriber(endpoint, connection, options(self));
      }),
    );
  }

  async connect(): Promise<void> {
    await Promise.all(Array.from(this.#subscribers, (subscriber) => subscriber.connect()));
  }

  subscribe(topic: string): Promise<void> {
    return this.#subscribers.for(topic).subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#subscribers.for(topic).unsubscribe(topic);
  }

  /** Receives a channel of this process, and with it those that have its prefix as well. */
  subscribeOwn(channel: string): Promise<void> {
    const topic = this.#names.topicOf(channel);
    const subscriber = this.#subscribers.for(topic);
    return subscriber instanceof RedisSubscriber
      ? subscriber.subscribePattern(`${processOf(channel)}*`)
      : subscriber.subscribe(topic);
  }

  unsubscribeOwn(channel: string): void {
    const topic = this.#names.topicOf(channel);
    const subscriber = this.#subscribers.for(topic);
    if (subscriber instanceof RedisSubscriber) subscriber.unsubscribePattern(`${processOf(channel)}*`);
    else subscriber.unsubscribe(topic);
  }

  close(): Promise<void> {
    return this.#subscribers.close();
  }
}

/** What all channels of a process with the same prefix begin with. */
function processOf(channel: string): string {
  return channel.slice(0, -ownDigits);
}
