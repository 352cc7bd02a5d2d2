import { fileURLToPath } from "node:url";
import type { LayerMessage } from "millrace";
import { Python } from "../../support/python.ts";
import { type PubSubSite, until } from "./pubsub-site.ts";

/** A process of channels_redis' pub/sub layer on a site. */
export class PubSubPeer extends Python {
  readonly #site: PubSubSite;

  constructor(site: PubSubSite) {
    const program = fileURLToPath(new URL("pubsub-peer.py", import.meta.url));
    super(program, [site.prefix, ...site.servers.map(({ url }) => url)]);
    this.#site = site;
  }

  /** A new channel, subscribed to: Python does not wait for Redis to say so. */
  async newChannel(): Promise<string> {
    const name = await this.ask<string>({ ask: "new_channel" });
    await until(async () => (await this.#site.subscriptions(name)) === 1);
    return name;
  }

  async groupAdd(group: string, channel: string): Promise<void> {
    const before = await this.#site.groupSubscriptions(group);
    await this.ask({ ask: "group_add", group, channel });
    await until(async () => (await this.#site.groupSubscriptions(group)) === before + 1);
  }

  async groupDiscard(group: string, channel: string): Promise<void> {
    await this.ask({ ask: "group_discard", group, channel });
  }

  /** @param message is all that JSON can say. */
  async send(channel: string, message: LayerMessage): Promise<void> {
    await this.ask({ ask: "send", channel, message });
  }

  async groupSend(group: string, message: LayerMessage): Promise<void> {
    await this.ask({ ask: "group_send", group, message });
  }

  /** The hashes of the next messages on a channel, each of which is sent on. */
  receive(
    channel: string,
    count: number,
    on: { readonly to?: string; readonly to_group?: string } = {},
  ): Promise<readonly string[]> {
    return this.ask({ ask: "receive", channel, count, ...on });
  }
}
