import type { Subscriber } from "../protocol/channel-layer.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { CapacityOf } from "./capacity.ts";
import { Group } from "./group.ts";
import { LocalChannel, type Offered } from "./local-channel.ts";

/** What a layer hears of its local side. */
export interface LocalSideOwner {
  /** A group has its first member in this process. */
  groupEntered(group: string): void;
  /** A group has lost its last member in this process, by whatever way. */
  groupLeft(group: string): void;
  /** A channel of this process has ended, and has left its groups. */
  channelEnded(name: string): void;
  /** A subscriber threw or rejected, which it must not. */
  subscriberFailed(thrown: unknown): void;
}

/** What became of a group message in this process. */
export interface LocalDelivery {
  readonly delivered: number;
  readonly overCapacity: number;
}

const nobody: LocalDelivery = { delivered: 0, overCapacity: 0 };

/**
 * The side of a layer that lies in this process: its channels and who of them is in which group.
 * The medium between the processes carries a group's message once to each process; here it is
 * handed to every member.
 */
export class LocalSide {
  readonly #capacityOf: CapacityOf;
  readonly #owner: LocalSideOwner;
  readonly #channels = new Map<string, LocalChannel>();
  readonly #groups = new Map<string, Group<LocalChannel>>();
  // One for all channels: closures for each would be most of what an idle channel costs.
  readonly #channelOwner = {
    channelEnded: (channel: LocalChannel): void => this.#forget(channel),
    subscriberFailed: (thrown: unknown): void => this.#owner.subscriberFailed(thrown),
  };

  constructor(capacityOf: CapacityOf, owner: LocalSideOwner) {
    this.#capacityOf = capacityOf;
    this.#owner = owner;
  }

  /** How many channels there are. */
  get channels(): number {
    return this.#channels.size;
  }

  /** The groups that have members here. */
  get groups(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Memberships: a channel in two groups counts twice. */
  get members(): number {
    let members = 0;
    for (const group of this.#groups.values()) members += group.size;
    return members;
  }

  /** Messages that were delivered and have not been handled. */
  get unsettled(): number {
    let unsettled = 0;
    for (const channel of this.#channels.values()) unsettled += channel.unsettled;
    return unsettled;
  }

  open(name: string, subscriber: Subscriber): LocalChannel {
    const channel = new LocalChannel(name, subscriber, this.#capacityOf(name), this.#channelOwner);
    this.#channels.set(name, channel);
    return channel;
  }

  has(name: string): boolean {
    return this.#channels.has(name);
  }

  /** Whether there is such a channel, and it takes no more for now. */
  isFull(name: string): boolean {
    return this.#channels.get(name)?.full === true;
  }

  isMember(groupName: string, name: string): boolean {
    const group = this.#groups.get(groupName);
    return group !== undefined && this.#channels.get(name)?.groups.has(group) === true;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Puts a channel into a group. `false` says that there is no such channel. */
  join(groupName: string, name: string): boolean {
    const channel = this.#channels.get(name);
    if (channel === undefined) return false;
    let group = this.#groups.get(groupName);
    if (group === undefined) {
      group = new Group(groupName);
      this.#groups.set(groupName, group);
      this.#owner.groupEntered(groupName);
    }
    group.add(channel);
    channel.join(group);
    return true;
  }

  /** Takes a channel out of a group; it need not be in it. */
  leave(groupName: string, name: string): void {
    const group = this.#groups.get(groupName);
    const channel = this.#channels.get(name);
    if (group === undefined || channel === undefined) return;
    group.remove(channel);
    channel.leave(group);
    this.#forgetEmpty(group);
  }

  /** Hands a message to one channel. */
  deliver(name: string, message: LayerMessage, expiresAt: number): Offered {
    return this.#channels.get(name)?.offer(message, expiresAt) ?? "closed";
  }

  /** Hands a message to all who are in a group at this moment. */
  deliverToGroup(groupName: string, message: LayerMessage, expiresAt: number): LocalDelivery {
    const group = this.#groups.get(groupName);
    if (group === undefined) return nobody;
    let delivered = 0;
    let overCapacity = 0;
    for (const channel of group.members.local) {
      const offered = channel.offer(message, expiresAt);
      if (offered === "taken") delivered++;
      else if (offered === "full") overCapacity++;
    }
    return { delivered, overCapacity };
  }

  /** Hands a message to every channel, whatever its groups, and says which were full. */
  deliverToAll(message: LayerMessage): readonly string[] {
    return Array.from(this.#channels.values())
      .filter((channel) => channel.offer(message, Infinity) === "full")
      .map(({ name }) => name);
  }

  /** Empties all groups; channels stay open. */
  leaveAll(): void {
    for (const group of Array.from(this.#groups.values())) {
      for (const channel of group.local) channel.leaveAll();
      this.#groups.delete(group.name);
      this.#owner.groupLeft(group.name);
    }
  }

  /** Ends all channels. */
  close(): void {
    for (const channel of Array.from(this.#channels.values())) channel.close();
  }

  #forget(channel: LocalChannel): void {
    this.#channels.delete(channel.name);
    const { groups } = channel;
    channel.leaveAll();
    for (const group of groups) {
      group.remove(channel);
      this.#forgetEmpty(group);
    }
    this.#owner.channelEnded(channel.name);
  }

  #forgetEmpty(group: Group<LocalChannel>): void {
    if (group.size > 0) return;
    this.#groups.delete(group.name);
    this.#owner.groupLeft(group.name);
  }
}
