import type { LayerMessage } from "../protocol/message.ts";
import { channelClosed } from "./base.ts";
import type { Address } from "./codec/address.ts";
import type { Aggregates } from "./core-keys.ts";
import type { LocalSide } from "./local-side.ts";

/** What is told of messages that did not reach all whom they were for. */
export interface AddresseesOwner {
  /** Members of a group, or the one channel, were full. */
  overCapacity(target: string, message: LayerMessage, members: number): void;
  expired(target: string, message: LayerMessage): void;
  failed(thrown: unknown): void;
}

/**
 * Hands a message that came on the queue of this process to the channels that it names. A group
 * may name the process as a whole and, where Python entered one, a channel by itself as well: each
 * channel gets the message once.
 */
export class Addressees {
  readonly #local: LocalSide;
  readonly #aggregates: Aggregates;
  readonly #owner: AddresseesOwner;

  constructor(local: LocalSide, aggregates: Aggregates, owner: AddresseesOwner) {
    this.#local = local;
    this.#aggregates = aggregates;
    this.#owner = owner;
  }

  /** @param queueName is what a message without an address was sent to. */
  deliver(message: LayerMessage, address: Address | undefined, queueName: string, expiresAt: number): void {
    const names = namesOf(address, queueName);
    const groups: string[] = [];
    for (const name of names) {
      if (!this.#aggregates.isAggregate(name)) continue;
      const group = this.#aggregates.groupOf(name);
      // Otherwise the last member has left while the message was on its way, and nobody misses it.
      if (group !== undefined) groups.push(group);
    }
    for (const group of groups) {
      const { overCapacity } = this.#local.deliverToGroup(group, message, expiresAt);
      if (overCapacity > 0) this.#owner.overCapacity(group, message, overCapacity);
    }
    for (const name of names) {
      if (this.#aggregates.isAggregate(name) || groups.some((group) => this.#local.isMember(group, name))) continue;
      const offered = this.#local.deliver(name, message, expiresAt);
      if (offered === "full") this.#owner.overCapacity(name, message, 1);
      else if (offered === "closed") this.#owner.failed(channelClosed(name));
    }
  }

  /** Tells that a message came too late for the channels that it names. */
  expire(message: LayerMessage, address: Address | undefined, queueName: string): void {
    for (const name of namesOf(address, queueName)) {
      const target = this.#aggregates.isAggregate(name) ? this.#aggregates.groupOf(name) : name;
      if (target !== undefined) this.#owner.expired(target, message);
    }
  }
}

function namesOf(address: Address | undefined, queueName: string): ReadonlySet<string> {
  if (address === undefined) return new Set([queueName]);
  return new Set(typeof address === "string" ? [address] : address);
}
