import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "./pubsub-site.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const failures = heard("millrace:layer:error");

const cycles = 100_000;
/** How many are under way at once. */
const atOnce = 500;
/** It takes 20 seconds on two cores that have nothing else to do; half a million commands take what a busy machine has. */
const patience = 240_000;
/** One entry left behind by each cycle would be many times this. */
const heldBytes = 4_000_000;

let joined = 0;

/** So many joins and leaves, each of a group of its own: half by a channel that stays, half by one that ends. */
async function joinAndLeave(layer: ChannelLayer, count: number): Promise<void> {
  const staying = await layer.newChannel(() => {});
  const stay = async (): Promise<void> => {
    const group = `room.${joined++}`;
    await layer.groupAdd(group, staying.name);
    await layer.groupDiscard(group, staying.name);
  };
  const end = async (): Promise<void> => {
    const channel = await layer.newChannel(() => {});
    await layer.groupAdd(`room.${joined++}`, channel.name);
    await channel.close();
  };
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, async (_, index) => (index % 2 === 0 ? stay() : end())));
  }
  await staying.close();
}

function heap(): number {
  // Given by --expose-gc, with which all tests run.
  (globalThis.gc as () => void)();
  return process.memoryUsage().heapUsed;
}

/** What Redis' list of clients says of each connection of a layer: how many channels and globs it has. */
async function subscriptions(): Promise<Array<readonly [channels: number, patterns: number]>> {
  const clients = String(await server.command("CLIENT", "LIST")).split("\n");
  return clients
    .filter((line) => line.includes("name=millrace"))
    .map((line) => [Number(/ sub=(\d+)/.exec(line)?.[1]), Number(/ psub=(\d+)/.exec(line)?.[1])] as const);
}

const empty = (stats: object): boolean => Object.values(stats).every((count) => count === 0);

const layers = {
  RedisChannelLayer: () => new RedisChannelLayer({ hosts: [server.url], prefix: "leaks." }),
  RedisPubSubChannelLayer: () => new RedisPubSubChannelLayer({ hosts: [server.url], prefix: "leaks." }),
};

describe.each(Object.entries(layers))("%s, after 100,000 joins and leaves,", (_name, make) => {
  test(
    "holds no entry and no memory, and Redis no key and no subscription",
    async () => {
      const layer = make();
      await joinAndLeave(layer, 10_000);
      const before = heap();
      await joinAndLeave(layer, cycles);
      await until(() => empty(layer.stats()));
      expect(heap() - before).toBeLessThan(heldBytes);
      await until(async () => (await subscriptions()).every(([channels, patterns]) => channels + patterns === 0));
      expect(await server.command("KEYS", "leaks.*")).toEqual([]);
      expect(await server.command("PUBSUB", "CHANNELS")).toEqual([]);
      expect(await server.command("PUBSUB", "NUMPAT")).toBe(0);
      expect(failures).toEqual([]);
      await layer.close();
      await until(async () => (await subscriptions()).length === 0);
      expect(await server.command("DBSIZE")).toBe(0);
    },
    patience,
  );
});
