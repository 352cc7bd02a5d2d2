import { randomBytes } from "node:crypto";
import type { Channel, GroupSendReport, Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { checkChannelName } from "../protocol/names.ts";
import { LayerCondition } from "../redis/condition.ts";
import { Link } from "../redis/link.ts";
import { Shards } from "../redis/shards.ts";
import { RedisSubscriber } from "../redis/subscriber.ts";
import { BaseChannelLayer, channelClosed, channelFull } from "./base.ts";
import type { Codec } from "./codec/codec.ts";
import { conditionTeller } from "./condition-teller.ts";
import { isNamedChannel, JobKeys } from "./job-keys.ts";
import { full, publishOrAdd } from "./job-scripts.ts";
import { type JobSite, jobSite } from "./job-site.ts";
import { LocalSide } from "./local-side.ts";
import { NamedReceivers } from "./named-receivers.ts";
import type { JobSettings } from "./job-options.ts";
import { PendingJoins } from "./pending-joins.ts";
import { nobodyReceives, notOfThisProcess } from "./pubsub-refusals.ts";
import { pubSubOptionNames, type RedisPubSubChannelLayerOptions, readPubSubOptions } from "./pubsub-options.ts";

/** What a layer holds in this process at one moment. */
export interface RedisPubSubChannelLayerStats {
  /** Channels that somebody receives, or on which messages wait. */
  readonly channels: number;
  /** Groups with members in this process. */
  readonly groups: number;
  /** Memberships: a channel in two groups counts twice. */
  readonly members: number;
  /** Messages that have arrived and have not been handled. */
  readonly waiting: number;
}

/**
 * On a cluster PUBLISH may go to any node, and by several nodes one message may overtake another; a
 * script goes to the node to whose slots the name belongs, from where all are passed on in order.
 */
const publishOnOwnNode = "return redis.call('PUBLISH', KEYS[1], ARGV[1])";

/** How many hexadecimal digits tell the channels of one process apart. */
const ownDigits = 16;

/**
 * A channel layer of many processes over Redis' pub/sub, which stores nothing. What it sends and
 * receives is what Python's `channels_redis.pubsub.RedisPubSubChannelLayer` sends and receives:
 * both may share channels and groups. Beside what every layer promises:
 *
 * - All members of a group see one and the same order, in whatever process they live, whoever sent.
 *   A message goes to those who are members when it arrives at their process.
 * - `groupAdd` settles when Redis has acknowledged the subscription: what is sent to the group from
 *   then on arrives. A process subscribes once for each group, however many members it has. Only
 *   channels that `newChannel` has made in this process can be members.
 * - The report of `groupSend` has the number of `processes` that Redis handed the message to; who
 *   took it is known only there, so `delivered` is `undefined` and `overCapacity` is 0. What is full
 *   is reported where it is, by `millrace:layer:over-capacity`.
 * - `send` rejects with `ERR_CHANNEL_CLOSED` when Redis knows nobody who receives the channel. What
 *   reaches a process whose channel has just ended is published there by `millrace:layer:error`.
 * - Every process that subscribes to a named channel gets each of its messages; receivers in one
 *   process share them. Nothing waits for a receiver that does not exist yet;
 *   but what is sent to a channel that has or had workers is kept for them, and for nobody else.
 * - When a connection is lost, messages may be missing until all is subscribed again; the interval
 *   is told by `millrace:layer:degraded` and `millrace:layer:recovered`, and to each consumer that
 *   has handlers `layer_degraded` and `layer_recovered`.
 * - `expiry` counts from a message's arrival, and `groupExpiry` does nothing: a member stays until
 *   it leaves or ends.
 * - On a Redis Cluster one node counts its own receivers alone: `processes` may be too low, and
 *   `send` does not learn whether somebody received.
 * - `flush` empties the groups of this process alone.
 */
export class RedisPubSubChannelLayer extends BaseChannelLayer {
  readonly kind = "redis+pubsub";
  /** @internal */
  readonly [jobSite]: JobSite;

  readonly #prefix: string;
  readonly #groupPrefix: string;
  readonly #codec: Codec;
  readonly #jobs: JobSettings;
  readonly #isCluster: boolean;
  /** Stands in the names of all channels of this process, so that one glob receives them. */
  readonly #origin = randomBytes(8).toString("hex");
  readonly #links: Shards<Link>;
  readonly #subscribers: Shards<RedisSubscriber>;
  readonly #joins = new PendingJoins();
  readonly #local: LocalSide;
  readonly #named: NamedReceivers;

  /** @throws MillraceError `ERR_INVALID_OPTION`. */
  constructor(options: RedisPubSubChannelLayerOptions = {}) {
    super(options, pubSubOptionNames);
    const { endpoints, connection, codec, prefix, jobs } = readPubSubOptions(options, this.settings);
    this[jobSite] = {
      layer: this.kind,
      endpoints,
      connection,
      prefix,
      codec,
      capacity: jobs.capacity,
      python: { by: "publish" },
    };
    this.#codec = codec;
    this.#jobs = jobs;
    this.#prefix = prefix;
    this.#groupPrefix = `${prefix}__group__`;
    this.#isCluster = endpoints.some(({ kind }) => kind === "cluster");
    const { capacityOf, expiry } = this.settings;
    const subscriberFailed = (thrown: unknown): void => this.reportFailure(thrown);
    this.#local = new LocalSide(capacityOf, {
      groupEntered: () => {},
      groupLeft: (group) => this.#leave(this.#groupPrefix + group),
      channelEnded: (name) => this.#subscribers.for(name).unsubscribePattern(patternOf(name)),
      subscriberFailed,
    });
    this.#named = new NamedReceivers(capacityOf, expiry, {
      receiverEnded: (name) => this.#leave(name),
      subscriberFailed,
    });
    const condition = new LayerCondition(this.kind, conditionTeller(this.kind, this.#local));
    this.#links = new Shards(endpoints.map((endpoint) => new Link(endpoint, connection, { scripts: [publishOrAdd] })));
    this.#subscribers = new Shards(
      endpoints.map((endpoint) => {
        const subscriber: RedisSubscriber = new RedisSubscriber(endpoint, connection, {
          onMessage: (channel, payload) => this.#receive(channel, payload),
          onDegraded: (since, reason) => condition.degrade(subscriber, since, reason),
          onRecovered: (since, until) => condition.recover(subscriber, since, until),
        });
        return subscriber;
      }),
    );
  }

  override newChannel(subscriber: Subscriber, prefix?: string): Promise<Channel> {
    // What openChannel returns, below.
    return super.newChannel(subscriber, prefix) as Promise<Channel>;
  }

  override subscribe(channel: string, subscriber: Subscriber): Promise<Channel> {
    // What openNamedChannel returns, below.
    return super.subscribe(channel, subscriber) as Promise<Channel>;
  }

  /**
   * Connects to all hosts, for those who want to know at start whether Redis is there. Without it
   * the layer connects when it is first used. It goes on trying after a failure, until it is closed.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` when a host can't be reached, `ERR_REDIS` when it
   *   refuses the login, `ERR_LAYER_CLOSED`.
   */
  async connect(): Promise<void> {
    this.assertOpen();
    await Promise.all([...this.#links, ...this.#subscribers].map((connection) => connection.connect()));
  }

  /** What the layer holds now in this process; all zero when nothing was left behind. */
  stats(): RedisPubSubChannelLayerStats {
    return {
      channels: this.#local.channels + this.#named.channels,
      groups: [...this.#local.groups].length,
      members: this.#local.members,
      waiting: this.#local.unsettled + this.#named.unsettled,
    };
  }

  protected override openChannel(subscriber: Subscriber, prefix: string): Promise<Channel> {
    const name = `${this.#prefix}${prefix}.${this.#origin}${randomBytes(ownDigits / 2).toString("hex")}`;
    checkChannelName(name);
    return this.#openChannel(name, subscriber);
  }

  protected override async openNamedChannel(channel: string, subscriber: Subscriber): Promise<Channel> {
    await this.#subscribers.for(channel).subscribe(channel);
    this.assertOpen();
    return this.#named.receive(channel, subscriber);
  }

  protected override async sendSealed(channel: string, message: LayerMessage): Promise<void> {
    if (this.#isOwn(channel) && !this.#local.has(channel)) throw channelClosed(channel);
    const answer = isNamedChannel(channel) ? this.#publishOrKeep(channel, message) : this.#publish(channel, message);
    const receivers = await answer;
    if (receivers === full) {
      this.reportOverCapacity(channel, message, 1);
      throw channelFull(channel);
    }
    if (receivers === 0 && !this.#isCluster) throw nobodyReceives(channel);
  }

  protected override async addMember(group: string, channel: string): Promise<void> {
    if (!this.#local.has(channel)) throw notOfThisProcess(channel);
    const topic = this.#groupPrefix + group;
    const join = this.#joins.begin(group, channel);
    try {
      await this.#subscribers.for(topic).subscribe(topic);
    } finally {
      this.#joins.end(join);
    }
    this.assertOpen();
    this.#join(group, channel, join.revoked);
  }

  protected override removeMember(group: string, channel: string): void {
    this.#joins.revoke(group, channel);
    this.#local.leave(group, channel);
  }

  protected override async groupSendSealed(group: string, message: LayerMessage): Promise<GroupSendReport> {
    const processes = await this.#publish(this.#groupPrefix + group, message);
    return { processes, delivered: undefined, overCapacity: 0 };
  }

  protected override discardAll(): void {
    this.#joins.revokeAll();
    this.#local.leaveAll();
    this.#named.clear();
  }

  protected override async release(): Promise<void> {
    this.#local.close();
    this.#named.close();
    await Promise.all([this.#links.close(), this.#subscribers.close()]);
  }

  async #openChannel(name: string, subscriber: Subscriber): Promise<Channel> {
    await this.#subscribers.for(name).subscribePattern(patternOf(name));
    this.assertOpen();
    return this.#local.open(name, subscriber);
  }

  /**
   * Puts a channel into a group for which a subscription has been granted. The group's first member
   * keeps the subscription for all; the others, and those who are no members after all, give
   * theirs back.
   */
  #join(group: string, channel: string, revoked: boolean): void {
    const isFirst = !this.#local.hasGroup(group);
    const joined = !revoked && this.#local.join(group, channel);
    if (!joined || !isFirst) this.#leave(this.#groupPrefix + group);
    if (!joined && !revoked) throw channelClosed(channel);
  }

  #leave(topic: string): void {
    this.#subscribers.for(topic).unsubscribe(topic);
  }

  async #publish(topic: string, message: LayerMessage): Promise<number> {
    const link = this.#links.for(topic);
    const payload = this.#codec.encode(message);
    const answer = this.#isCluster
      ? link.call("EVAL", publishOnOwnNode, 1, topic, payload)
      : link.call("PUBLISH", topic, payload);
    // The number of receivers.
    return Number(await answer);
  }

  /** The number of receivers, or a number below 0: it is kept, or there are too many. */
  async #publishOrKeep(channel: string, message: LayerMessage): Promise<number> {
    const { jobs, aside } = new JobKeys(this.#prefix, channel);
    const { capacity, declared } = this.#jobs;
    const settings = [capacity, declared.has(channel) ? 1 : 0, "PUBLISH"];
    const link = this.#links.for(channel);
    return Number(await publishOrAdd.run(link, [jobs, aside, channel], [this.#codec.encode(message), ...settings]));
  }

  #receive(topic: string, payload: Buffer): void {
    let message: LayerMessage;
    try {
      ({ message } = this.#codec.decode(payload));
    } catch (thrown) {
      return this.reportFailure(thrown);
    }
    const expiresAt = Date.now() + this.settings.expiry;
    if (this.#isOwn(topic)) return this.#receiveOwn(topic, message, expiresAt);
    if (this.#named.offer(topic, message, expiresAt) === "full") this.reportOverCapacity(topic, message, 1);
    if (!topic.startsWith(this.#groupPrefix)) return undefined;
    const group = topic.slice(this.#groupPrefix.length);
    const { overCapacity } = this.#local.deliverToGroup(group, message, expiresAt);
    if (overCapacity > 0) this.reportOverCapacity(group, message, overCapacity);
    return undefined;
  }

  #receiveOwn(channel: string, message: LayerMessage, expiresAt: number): void {
    const offered = this.#local.deliver(channel, message, expiresAt);
    if (offered === "full") this.reportOverCapacity(channel, message, 1);
    // Its sender was told of the process alone.
    else if (offered === "closed") this.reportFailure(channelClosed(channel));
  }

  /** Whether a channel was made by this layer, be it that it has ended since. */
  #isOwn(channel: string): boolean {
    return channel.startsWith(this.#origin, channel.length - ownDigits - this.#origin.length);
  }
}

/** All channels of the process that have the same prefix. */
function patternOf(channel: string): string {
  return `${channel.slice(0, -ownDigits)}*`;
}
