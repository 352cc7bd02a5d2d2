import { randomFillSync } from "node:crypto";
import type { Channel, ChannelLayerOptions, GroupSendReport, Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { checkChannelName, maxNameLength } from "../protocol/names.ts";
import { BaseChannelLayer, channelClosed, channelFull } from "./base.ts";
import { Deliveries } from "./deliveries.ts";
import { Group, type Members } from "./group.ts";
import { LocalChannel } from "./local-channel.ts";
import { NamedChannel } from "./named-channel.ts";
import { Sweeper } from "./sweeper.ts";

/** How many sends may wait for the delivery that is running. */
const maxWaitingSends = 100_000;

/** What a layer holds at one moment. */
export interface InMemoryStats {
  /** Channels that somebody receives, or on which messages wait. */
  readonly channels: number;
  readonly groups: number;
  /** Memberships: a channel in two groups counts twice. */
  readonly members: number;
  /** Messages that have not been handled yet. */
  readonly waiting: number;
}

/**
 * The channel layer of one process, which lives and dies with it. Beside what every layer promises:
 *
 * - `newChannel` and `subscribe` are synchronous.
 * - A group message goes to those who are members at the moment of the call. Who joins or is
 *   discarded after it, while the message is being delivered for one, changes nothing; but a
 *   channel that is closed gets nothing more.
 * - A process-local channel is a member for as long as it lives; a named one for `groupExpiry`.
 * - Up to 100,000 sends may wait for a delivery that is running. Beyond that `send` rejects with
 *   `ERR_CHANNEL_FULL`, and `groupSend` counts all members as full.
 * - A timer runs only while messages wait or named channels are in groups, and does not keep the
 *   process alive.
 */
export class InMemoryChannelLayer extends BaseChannelLayer {
  readonly kind = "memory";

  // Who knows one channel's name can't tell another's.
  readonly #origin = randomName();
  readonly #local = new Map<string, LocalChannel>();
  readonly #named = new Map<string, NamedChannel>();
  readonly #groups = new Map<string, Group<LocalChannel>>();
  readonly #deliveries = new Deliveries();
  readonly #sweeper: Sweeper;
  // One for all channels: closures for each would be most of what an idle channel costs.
  readonly #owner = {
    channelEnded: (channel: LocalChannel): void => this.#forget(channel),
    channelUnused: (channel: NamedChannel): void => this.#forgetUnused(channel),
    subscriberFailed: (thrown: unknown): void => this.reportFailure(thrown),
    messageWaits: (expiresAt: number): void => this.#sweeper.expect(expiresAt),
    enter: (delivery: () => void): void => this.#deliveries.enter(delivery),
  };

  /** @throws MillraceError `ERR_INVALID_OPTION`. */
  constructor(options: ChannelLayerOptions = {}) {
    super(options);
    this.#sweeper = new Sweeper((now) => this.#sweep(now), Math.min(1000, this.settings.expiry));
  }

  override newChannel(subscriber: Subscriber, prefix?: string): Channel {
    // What openChannel returns, below.
    return super.newChannel(subscriber, prefix) as Channel;
  }

  override subscribe(channel: string, subscriber: Subscriber): Channel {
    // What openNamedChannel returns, below.
    return super.subscribe(channel, subscriber) as Channel;
  }

  /** What the layer holds now; all zero when nothing was left behind. */
  stats(): InMemoryStats {
    let members = 0;
    let waiting = this.#deliveries.waiting;
    for (const group of this.#groups.values()) members += group.size;
    for (const channel of this.#local.values()) waiting += channel.unsettled;
    for (const channel of this.#named.values()) waiting += channel.waiting + channel.unsettled;
    return { channels: this.#local.size + this.#named.size, groups: this.#groups.size, members, waiting };
  }

  protected override openChannel(subscriber: Subscriber, prefix: string): Channel {
    const name = `${prefix}.${this.#origin}!${randomName()}`;
    // The prefix has been checked, and the rest is right: together they may be too long, no more.
    if (name.length > maxNameLength) checkChannelName(name);
    const channel = new LocalChannel(name, subscriber, this.settings.capacityOf(name), this.#owner);
    this.#local.set(name, channel);
    return channel;
  }

  protected override openNamedChannel(channel: string, subscriber: Subscriber): Channel {
    return this.#namedChannel(channel).subscribe(subscriber);
  }

  protected override sendSealed(channel: string, message: LayerMessage): Promise<void> {
    const local = this.#localChannel(channel);
    const expiresAt = Date.now() + this.settings.expiry;
    if (this.#deliveries.waiting >= maxWaitingSends) throw this.#full(channel, message);
    return this.#deliveries.run(() => {
      this.assertOpen();
      const offered = (local ?? this.#namedChannel(channel)).offer(message, expiresAt);
      if (offered === "full") throw this.#full(channel, message);
      if (offered === "closed") throw channelClosed(channel);
    });
  }

  protected override addMember(groupName: string, channel: string): void {
    const local = this.#localChannel(channel);
    const group = this.#group(groupName);
    if (local !== undefined) {
      group.add(local);
      local.join(group);
      return;
    }
    const expiresAt = Date.now() + this.settings.groupExpiry;
    group.addName(channel, expiresAt);
    this.#sweeper.expect(expiresAt);
  }

  protected override removeMember(groupName: string, channel: string): void {
    const group = this.#groups.get(groupName);
    if (group === undefined) return;
    const local = this.#local.get(channel);
    if (local === undefined) {
      group.removeName(channel);
    } else {
      group.remove(local);
      local.leave(group);
    }
    this.#forgetEmpty(group);
  }

  protected override groupSendSealed(
    groupName: string,
    message: LayerMessage,
  ): GroupSendReport | Promise<GroupSendReport> {
    const group = this.#groups.get(groupName);
    const now = Date.now();
    group?.expire(now);
    if (group === undefined || this.#forgetEmpty(group)) return { processes: 0, delivered: 0, overCapacity: 0 };
    const { members, size } = group;
    if (this.#deliveries.waiting >= maxWaitingSends) return this.#report(groupName, message, 0, size);
    return this.#deliveries.run(() => this.#deliver(groupName, members, message, now + this.settings.expiry));
  }

  protected override discardAll(): void {
    for (const group of this.#groups.values()) {
      for (const channel of group.local) channel.leaveAll();
    }
    this.#groups.clear();
    for (const channel of this.#named.values()) channel.clear();
    this.#sweeper.stop();
  }

  protected override release(): void {
    for (const channel of this.#local.values()) channel.close();
    for (const channel of this.#named.values()) channel.close();
    this.#named.clear();
    this.#groups.clear();
    this.#sweeper.stop();
  }

  #deliver(
    groupName: string,
    members: Members<LocalChannel>,
    message: LayerMessage,
    expiresAt: number,
  ): GroupSendReport {
    this.assertOpen();
    let delivered = 0;
    let overCapacity = 0;
    for (const channel of members.local) {
      const offered = channel.offer(message, expiresAt);
      if (offered === "taken") delivered++;
      else if (offered === "full") overCapacity++;
    }
    for (const name of members.named) {
      if (this.#namedChannel(name).offer(message, expiresAt) === "taken") delivered++;
      else overCapacity++;
    }
    return this.#report(groupName, message, delivered, overCapacity);
  }

  #report(groupName: string, message: LayerMessage, delivered: number, overCapacity: number): GroupSendReport {
    if (overCapacity > 0) this.reportOverCapacity(groupName, message, overCapacity);
    return { processes: delivered + overCapacity > 0 ? 1 : 0, delivered, overCapacity };
  }

  #full(channel: string, message: LayerMessage): Error {
    this.reportOverCapacity(channel, message, 1);
    return channelFull(channel);
  }

  /** The channel behind a process-local name; `undefined` for a name that anybody may receive. */
  #localChannel(name: string): LocalChannel | undefined {
    const channel = this.#local.get(name);
    if (channel === undefined && name.includes("!")) throw channelClosed(name);
    return channel;
  }

  #namedChannel(name: string): NamedChannel {
    let channel = this.#named.get(name);
    if (channel === undefined) {
      channel = new NamedChannel(name, this.settings.capacityOf(name), this.#owner);
      this.#named.set(name, channel);
    }
    return channel;
  }

  #group(name: string): Group<LocalChannel> {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(name);
      this.#groups.set(name, group);
    }
    return group;
  }

  #forget(channel: LocalChannel): void {
    this.#local.delete(channel.name);
    for (const group of channel.groups) {
      group.remove(channel);
      this.#forgetEmpty(group);
    }
    channel.leaveAll();
  }

  #forgetUnused(channel: NamedChannel): void {
    if (this.#named.get(channel.name) === channel) this.#named.delete(channel.name);
  }

  #forgetEmpty(group: Group<LocalChannel>): boolean {
    if (group.size > 0) return false;
    if (this.#groups.get(group.name) === group) this.#groups.delete(group.name);
    return true;
  }

  #sweep(now: number): number {
    let next = Infinity;
    for (const channel of this.#named.values()) next = Math.min(next, channel.expire(now));
    for (const group of this.#groups.values()) {
      next = Math.min(next, group.expire(now));
      this.#forgetEmpty(group);
    }
    return next;
  }
}

// Bytes for many names are drawn at once, because a draw takes as long as a hundred names.
const drawn = Buffer.alloc(12 * 256);
let next = drawn.length;

/** 96 bits in 16 of the characters that names may have. */
function randomName(): string {
  if (next === drawn.length) {
    randomFillSync(drawn);
    next = 0;
  }
  return drawn.toString("base64url", next, (next += 12));
}
