import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll } from "@jest/globals";
import { Redis } from "ioredis";
import type { Channel } from "millrace";
import { RedisPubSubChannelLayer, type RedisPubSubChannelLayerOptions } from "millrace/redis";
import { RedisServer } from "../../support/redis-server.ts";
import { Received } from "./received.ts";

/** A receiver with a channel of its own. */
export interface Member extends Received {
  readonly channel: Channel;
}

/** A site of several processes, each of them stood for by a layer, on Redis servers of its own. */
export class PubSubSite {
  /** Of the present test. */
  prefix = "";
  readonly servers: RedisServer[] = [];
  readonly #layers: RedisPubSubChannelLayer[] = [];

  /** @param hostCount is on how many hosts the site is. */
  constructor(hostCount = 1) {
    beforeAll(async () => {
      for (let count = 0; count < hostCount; count++) this.servers.push(await RedisServer.start());
    });
    afterEach(async () => {
      for (const layer of this.#layers.splice(0)) await layer.close();
      this.prefix = "";
    });
    afterAll(async () => {
      for (const server of this.servers) await server[Symbol.asyncDispose]();
    });
  }

  get server(): RedisServer {
    const [server] = this.servers;
    if (server === undefined) throw new Error("The site has no server yet");
    return server;
  }

  /** One process of the site. */
  process(options: RedisPubSubChannelLayerOptions = {}): RedisPubSubChannelLayer {
    if (this.prefix === "") this.prefix = `t${randomBytes(4).toString("hex")}.`;
    const { prefix } = this;
    const layer = new RedisPubSubChannelLayer({ hosts: this.servers.map(({ url }) => url), prefix, ...options });
    this.#layers.push(layer);
    return layer;
  }

  async member(layer: RedisPubSubChannelLayer, ...groups: readonly string[]): Promise<Member> {
    const received = new Received();
    const channel = await layer.newChannel(received.subscriber);
    for (const group of groups) await layer.groupAdd(group, channel.name);
    return Object.assign(received, { channel });
  }

  /** Publishes bytes on all hosts, as another writer would. */
  async publish(channel: string, ...bodies: readonly Buffer[]): Promise<void> {
    for (const { host, port } of this.servers) {
      const client = new Redis({ host, port, disableClientInfo: true });
      for (const body of bodies) await client.publish(channel, body);
      client.disconnect();
    }
  }

  /** How many subscriptions to a channel there are on all hosts. */
  async subscriptions(channel: string): Promise<number> {
    let count = 0;
    for (const server of this.servers) {
      // What NUMSUB answers: the channel, and its count.
      const [, subscriptions] = (await server.command("PUBSUB", "NUMSUB", channel)) as [string, number];
      count += subscriptions;
    }
    return count;
  }

  /** How many subscriptions to a group there are on all hosts. */
  groupSubscriptions(group: string): Promise<number> {
    return this.subscriptions(`${this.prefix}__group__${group}`);
  }

  /** How many globs are subscribed to on all hosts. */
  async patterns(): Promise<number> {
    let count = 0;
    for (const server of this.servers) count += Number(await server.command("PUBSUB", "NUMPAT"));
    return count;
  }

  /** All channels of the present test that are subscribed to. */
  async channels(): Promise<string[]> {
    const found: string[] = [];
    for (const server of this.servers) {
      // PUBSUB CHANNELS answers with a list of names.
      found.push(...((await server.command("PUBSUB", "CHANNELS", `${this.prefix}*`)) as string[]));
    }
    return found;
  }
}

/** Settles when something is so, of which nothing tells. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(5);
}
