import type { Channel, GroupSendReport, Subscriber } from "../protocol/channel-layer.ts";
import { reportExpired } from "../protocol/diagnostics.ts";
import { isMillraceError, MillraceError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { checkChannelName, nonLocalName } from "../protocol/names.ts";
import { BaseChannelLayer, channelClosed, channelFull } from "./base.ts";
import { conditionTeller } from "./condition-teller.ts";
import { Addressees } from "./core-addressees.ts";
import { CoreInbox } from "./core-inbox.ts";
import { deleteAll } from "./core-flush.ts";
import { Aggregates, CoreKeys, CoreNames } from "./core-keys.ts";
import { CoreLinks } from "./core-links.ts";
import { Memberships } from "./core-membership.ts";
import { coreOptionNames, type CoreSettings, readCoreOptions, type RedisChannelLayerOptions } from "./core-options.ts";
import { CoreSender } from "./core-sender.ts";
import { ExpiryWatch } from "./core-watch.ts";
import { jobKeyPrefix } from "./job-keys.ts";
import { type JobSite, jobSite } from "./job-site.ts";
import { LocalSide } from "./local-side.ts";

/** What a layer on Redis holds in this process at one moment. */
export interface RedisChannelLayerStats {
  /** Channels of this process, and receivers of named ones. */
  readonly channels: number;
  /** Memberships of this process in Redis: one for each group, unless `aggregate` is off. */
  readonly memberships: number;
  /** Messages that were received and not handled yet. */
  readonly waiting: number;
  /** Queues to which this process sent and on which messages may still wait. */
  readonly queues: number;
}

/**
 * The channel layer of Python's `channels_redis.core.RedisChannelLayer`: processes of both share
 * channels and groups. Messages wait in Redis until they are taken, so a receiver that was cut off
 * for less than `expiry` gets what was sent meanwhile. Beside what every layer promises:
 *
 * - A message to a group is put once onto the queue of each process that has members. `capacity`
 *   bounds that queue for senders, and what one channel has not handled for itself; the report
 *   counts processes. What a member's own bound refuses is a `millrace:layer:over-capacity`
 *   diagnostic in its process.
 * - Over one host all members of a group see one order. Over several hosts, or where Python sends
 *   too, those of one process do; members of several may see the messages of different senders in
 *   different orders, and those of one sender in the order sent.
 * - Over several hosts a named channel has its capacity on each of them, and its order is kept
 *   between one sender and one receiver.
 * - A process's memberships are renewed while it lives and go within `lease` after it died.
 *   `groupExpiry` must be the same for all processes, or one removes what another holds.
 * - What is sent to a channel that has or had workers is kept for them, on one host; `flush` leaves it.
 * - What was taken off a queue when a process was killed is lost. What was taken when a connection
 *   was lost, or what Redis has forgotten, lies in the interval that is told. Where Redis goes back
 *   to an earlier state, nothing of the last 5,000 messages comes twice to one process; a named
 *   channel's message may come again to another receiver.
 */
export class RedisChannelLayer extends BaseChannelLayer {
  readonly kind = "redis+core";
  /** @internal */
  readonly [jobSite]: JobSite;

  readonly #core: CoreSettings;
  readonly #keys: CoreKeys;
  readonly #names: CoreNames;
  readonly #links: CoreLinks;
  readonly #local: LocalSide;
  readonly #aggregates: Aggregates;
  readonly #memberships: Memberships;
  readonly #watch: ExpiryWatch;
  readonly #sender: CoreSender;
  readonly #inbox: CoreInbox;
  /** The groups of each channel, where channels are members by themselves. */
  readonly #groupsOf = new Map<string, Set<string>>();
  readonly #leaving = new Set<Promise<void>>();
  #releasing = false;

  /** @throws MillraceError `ERR_INVALID_OPTION`. */
  constructor(options: RedisChannelLayerOptions = {}) {
    super(options, coreOptionNames);
    const { expiry, groupExpiry, capacityOf } = this.settings;
    this.#core = readCoreOptions(options, this.settings);
    const { endpoints, connection, codec, prefix, lease, jobs, jobCodec } = this.#core;
    const { capacity } = jobs;
    const python = { by: "queue", expiry } as const;
    this[jobSite] = { layer: this.kind, endpoints, connection, prefix, codec: jobCodec, capacity, python };
    const failed = (thrown: unknown): void => this.reportFailure(thrown);
    this.#keys = new CoreKeys(prefix);
    this.#local = new LocalSide(capacityOf, {
      groupEntered: () => {},
      groupLeft: (group) => this.#groupLeft(group),
      channelEnded: (name) => this.#channelEnded(name),
      subscriberFailed: failed,
    });
    const teller = conditionTeller(this.kind, this.#local);
    this.#links = new CoreLinks(
      this.kind,
      endpoints,
      connection,
      teller,
      (index) => void this.#memberships.restore(index),
    );
    const { commands } = this.#links;
    this.#names = new CoreNames((name) => commands.indexFor(name));
    this.#aggregates = new Aggregates(this.#names.queueName("specific"));
    const addressees = new Addressees(this.#local, this.#aggregates, {
      overCapacity: (target, message, members) => this.reportOverCapacity(target, message, members),
      expired: (target, message) => reportExpired(target, message),
      failed,
    });
    this.#memberships = new Memberships(
      commands,
      this.#keys,
      { groupExpiry, lease },
      {
        membershipsLost: (since) => this.#membershipsLost(since),
        hostRestored: (index) => this.#links.hostRestored(index),
        failed,
      },
    );
    this.#watch = new ExpiryWatch(expiry, {
      messageExpired: (frame, queue) => this.#inbox.expired(frame, queue.slice(prefix.length)),
      failed,
    });
    this.#sender = new CoreSender(commands, this.#keys, { expiry, groupExpiry, capacityOf, codec, jobs }, this.#watch);
    this.#inbox = new CoreInbox({
      links: this.#links,
      keys: this.#keys,
      names: this.#names,
      codec,
      addressees,
      expiry,
      stays: this.#sender.stays,
      failed,
    });
  }

  /**
   * Connects to all hosts, for those who want to know at start whether they are there. Without it
   * the layer connects when it is first used.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` or `ERR_REDIS`; the layer goes on trying.
   */
  async connect(): Promise<void> {
    this.assertOpen();
    await Promise.all(Array.from(this.#links.commands, (link) => link.connect()));
  }

  /** What the layer holds now in this process. */
  stats(): RedisChannelLayerStats {
    return {
      channels: this.#local.channels + this.#inbox.readers,
      memberships: this.#memberships.size,
      waiting: this.#local.unsettled,
      queues: this.#watch.size,
    };
  }

  protected override openChannel(subscriber: Subscriber, prefix: string): Channel {
    const queueName = this.#names.queueName(prefix);
    const name = this.#names.newName(queueName);
    checkChannelName(name);
    this.#inbox.open(queueName);
    return this.#local.open(name, subscriber);
  }

  protected override openNamedChannel(channel: string, subscriber: Subscriber): Channel {
    return this.#inbox.subscribe(channel, subscriber);
  }

  protected override async sendSealed(channel: string, message: LayerMessage): Promise<void> {
    if (this.#names.isOwn(channel) && !this.#local.has(channel)) throw channelClosed(channel);
    if (this.#local.isFull(channel) || !(await this.#sender.send(channel, message))) {
      this.reportOverCapacity(channel, message, 1);
      throw channelFull(channel);
    }
  }

  protected override async groupSendSealed(group: string, message: LayerMessage): Promise<GroupSendReport> {
    const report = await this.#sender.groupSend(group, message);
    if (report.overCapacity > 0) this.reportOverCapacity(group, message, report.overCapacity);
    return report;
  }

  protected override async addMember(group: string, channel: string): Promise<void> {
    if (!this.#names.isOwn(channel)) return this.#memberships.enterForeign(group, channel);
    if (!this.#local.join(group, channel)) throw channelClosed(channel);
    try {
      if (this.#core.aggregate) {
        this.#inbox.open(nonLocalName(this.#aggregates.enter(group)));
        await this.#memberships.enter(group, this.#aggregates.enter(group));
      } else {
        this.#noteGroup(channel, group);
        await this.#memberships.enter(group, channel);
      }
    } catch (error) {
      this.#local.leave(group, channel);
      this.#groupsOf.get(channel)?.delete(group);
      throw error;
    }
  }

  protected override async removeMember(group: string, channel: string): Promise<void> {
    this.#local.leave(group, channel);
    this.#groupsOf.get(channel)?.delete(group);
    this.#memberships.forget(group, channel);
    // Also where the process is the member, because Python may have entered the channel by itself.
    await Promise.all([this.#memberships.remove(group, [channel]), ...this.#leaving]);
  }

  protected override async discardAll(): Promise<void> {
    this.#local.leaveAll();
    for (const [channel, groups] of this.#groupsOf) {
      for (const group of groups) this.#memberships.forget(group, channel);
    }
    this.#groupsOf.clear();
    await Promise.all(
      Array.from(this.#links.commands, (link) => deleteAll(link, this.#keys.pattern, jobKeyPrefix(this.#core.prefix))),
    );
  }

  protected override async release(): Promise<void> {
    this.#releasing = true;
    this.#watch.close();
    this.#local.close();
    await this.#memberships.close();
    await Promise.all([this.#inbox.close(), ...this.#leaving]);
    await this.#links.close();
  }

  #groupLeft(group: string): void {
    const member = this.#aggregates.leave(group);
    if (member !== undefined) this.#withdraw(group, member);
  }

  #channelEnded(channel: string): void {
    const groups = this.#groupsOf.get(channel) ?? [];
    this.#groupsOf.delete(channel);
    for (const group of groups) this.#withdraw(group, channel);
  }

  /** Takes what the process had entered out of Redis; where that fails, it is no longer renewed. */
  #withdraw(group: string, member: string): void {
    // When the layer ends, all go together.
    if (this.#releasing || !this.#memberships.forget(group, member)) return;
    const leaving = this.#memberships.remove(group, [member]).catch((error: unknown) => {
      if (!isMillraceError(error, "ERR_LAYER_CLOSED")) this.reportFailure(error);
    });
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }

  #noteGroup(channel: string, group: string): void {
    let groups = this.#groupsOf.get(channel);
    if (groups === undefined) this.#groupsOf.set(channel, (groups = new Set()));
    groups.add(group);
  }

  #membershipsLost(since: number): void {
    const { condition } = this.#links;
    // Where a connection was lost, its own gap covers this.
    if (condition.degraded) return;
    const reason = new MillraceError("ERR_LAYER_UNAVAILABLE", {
      happened: "Redis had lost memberships of this process, which are entered again",
      remedy: "Look for who empties Redis, or for what held this process up for longer than its lease",
    });
    condition.degrade(this, since, reason);
    condition.recover(this, since, Date.now());
  }
}
