import type { Channel, GroupSendReport, Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { checkChannelName } from "../protocol/names.ts";
import { LayerCondition } from "../redis/condition.ts";
import { Link } from "../redis/link.ts";
import { Shards } from "../redis/shards.ts";
import { BaseChannelLayer, channelClosed, channelFull } from "./base.ts";
import type { Codec, Envelope } from "./codec/codec.ts";
import { conditionTeller } from "./condition-teller.ts";
import { isNamedChannel, JobKeys } from "./job-keys.ts";
import { full, publishOrAdd } from "./job-scripts.ts";
import { type JobSite, jobSite } from "./job-site.ts";
import { LocalSide } from "./local-side.ts";
import { NamedReceivers } from "./named-receivers.ts";
import type { JobSettings } from "./job-options.ts";
import { PendingJoins } from "./pending-joins.ts";
import { nobodyReceives, notOfThisProcess } from "./pubsub-refusals.ts";
import { PubSubNames, PubSubReceivers } from "./pubsub-topics.ts";
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
 * On a cluster PUBLISH may go to any node, and SPUBLISH to a replica, which counts its own receivers
 * alone; and by several nodes one message may overtake another. A script goes to the master to whose
 * slots the name belongs, from where all are passed on in order.
 */
const publishOnOwnNode = "return redis.call(ARGV[2], KEYS[1], ARGV[1])";

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
 *   `send` does not learn whether somebody received. With `shardedPubSub` all receive from the node
 *   that is asked, and it counts them all.
 * - `flush` empties the groups of this process alone.
 */
export class RedisPubSubChannelLayer extends BaseChannelLayer {
  readonly kind = "redis+pubsub";
  /** @internal */
  readonly [jobSite]: JobSite;

  readonly #prefix: string;
  readonly #codec: Codec;
  readonly #jobs: JobSettings;
  readonly #isCluster: boolean;
  readonly #isSharded: boolean;
  readonly #publishing: "PUBLISH" | "SPUBLISH";
  readonly #names: PubSubNames;
  readonly #links: Shards<Link>;
  readonly #receivers: PubSubReceivers;
  readonly #joins = new PendingJoins();
  readonly #local: LocalSide;
  readonly #named: NamedReceivers;

  /** @throws MillraceError `ERR_INVALID_OPTION`. */
  constructor(options: RedisPubSubChannelLayerOptions = {}) {
    super(options, pubSubOptionNames);
    const settings = readPubSubOptions(options, this.settings);
    const { endpoints, connection, codec, prefix, jobs } = settings;
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
    this.#isSharded = settings.isSharded;
    this.#publishing = settings.isSharded ? "SPUBLISH" : "PUBLISH";
    this.#isCluster = endpoints.some(({ kind }) => kind === "cluster");
    this.#names = new PubSubNames(settings);
    const { capacityOf, expiry } = this.settings;
    const subscriberFailed = (thrown: unknown): void => this.reportFailure(thrown);
    this.#local = new LocalSide(capacityOf, {
      groupEntered: () => {},
      groupLeft: (group) => this.#receivers.unsubscribe(this.#names.topicOfGroup(group)),
      channelEnded: (name) => this.#receivers.unsubscribeOwn(name),
      subscriberFailed,
    });
    this.#named = new NamedReceivers(capacityOf, expiry, {
      receiverEnded: (name) => this.#receivers.unsubscribe(name),
      subscriberFailed,
    });
    const condition = new LayerCondition(this.kind, conditionTeller(this.kind, this.#local));
    this.#links = new Shards(endpoints.map((endpoint) => new Link(endpoint, connection, { scripts: [publishOrAdd] })));
    this.#receivers = new PubSubReceivers(settings, this.#names, (self) => ({
      onMessage: (channel, payload) => this.#receive(channel, payload),
      onDegraded: (since, reason) => condition.degrade(self, since, reason),
      onRecovered: (since, until) => condition.recover(self, since, until),
    }));
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
    await Promise.all([...Array.from(this.#links, (link) => link.connect()), this.#receivers.connect()]);
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
    const name = this.#names.newChannel(prefix);
    checkChannelName(name);
    return this.#openChannel(name, subscriber);
  }

  protected override async openNamedChannel(channel: string, subscriber: Subscriber): Promise<Channel> {
    await this.#receivers.subscribe(channel);
    this.assertOpen();
    return this.#named.receive(channel, subscriber);
  }

  protected override async sendSealed(channel: string, message: LayerMessage): Promise<void> {
    if (this.#names.isOwn(channel) && !this.#local.has(channel)) throw channelClosed(channel);
    const answer = isNamedChannel(channel) ? this.#publishOrKeep(channel, message) : this.#publishTo(channel, message);
    const receivers = await answer;
    if (receivers === full) {
      this.reportOverCapacity(channel, message, 1);
      throw channelFull(channel);
    }
    if (receivers === 0 && (!this.#isCluster || this.#isSharded)) throw nobodyReceives(channel);
  }

  protected override async addMember(group: string, channel: string): Promise<void> {
    if (!this.#local.has(channel)) throw notOfThisProcess(channel);
    const topic = this.#names.topicOfGroup(group);
    const join = this.#joins.begin(group, channel);
    try {
      await this.#receivers.subscribe(topic);
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
    const processes = await this.#publish(this.#names.topicOfGroup(group), this.#codec.encode(message));
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
    await Promise.all([this.#links.close(), this.#receivers.close()]);
  }

  async #openChannel(name: string, subscriber: Subscriber): Promise<Channel> {
    await this.#receivers.subscribeOwn(name);
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
    if (!joined || !isFirst) this.#receivers.unsubscribe(this.#names.topicOfGroup(group));
    if (!joined && !revoked) throw channelClosed(channel);
  }

  #publishTo(channel: string, message: LayerMessage): Promise<number> {
    const address = this.#names.isAddressed(channel) ? channel : undefined;
    return this.#publish(this.#names.topicOf(channel), this.#codec.encode(message, address));
  }

  /** Gives the number of receivers. */
  async #publish(topic: string, payload: Buffer): Promise<number> {
    const link = this.#links.for(topic);
    const answer = this.#isCluster
      ? link.call("EVAL", publishOnOwnNode, 1, topic, payload, this.#publishing)
      : link.call(this.#publishing, topic, payload);
    return Number(await answer);
  }

  /** The number of receivers, or a number below 0: it is kept, or there are too many. */
  async #publishOrKeep(channel: string, message: LayerMessage): Promise<number> {
    const { jobs, aside } = new JobKeys(this.#prefix, channel);
    const { capacity, declared } = this.#jobs;
    const settings = [capacity, declared.has(channel) ? 1 : 0, this.#publishing];
    const link = this.#links.for(channel);
    return Number(await publishOrAdd.run(link, [jobs, aside], [this.#codec.encode(message), ...settings, channel]));
  }

  #receive(topic: string, payload: Buffer): void {
    let envelope: Envelope;
    try {
      envelope = this.#codec.decode(payload);
    } catch (thrown) {
      return this.reportFailure(thrown);
    }
    const { message, address } = envelope;
    const expiresAt = Date.now() + this.settings.expiry;
    const own = this.#isSharded && typeof address === "string" ? address : topic;
    if (this.#names.isOwn(own)) return this.#receiveOwn(own, message, expiresAt);
    if (this.#named.offer(topic, message, expiresAt) === "full") this.reportOverCapacity(topic, message, 1);
    const group = this.#names.groupOf(topic);
    if (group === undefined) return undefined;
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
}
