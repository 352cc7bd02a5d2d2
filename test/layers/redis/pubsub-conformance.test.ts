import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayerOptions } from "millrace";
import { RedisPubSubChannelLayer, type RedisPubSubChannelLayerOptions } from "millrace/redis";
import { layerConformance } from "millrace/testing";
import { RedisServer } from "../../support/redis-server.ts";

const servers: RedisServer[] = [];
beforeAll(async () => {
  for (let count = 0; count < 3; count++) servers.push(await RedisServer.start());
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

const modes: Readonly<Record<string, RedisPubSubChannelLayerOptions & { readonly hostCount: number }>> = {
  "on one host": { hostCount: 1 },
  "on three hosts": { hostCount: 3 },
  encrypted: { hostCount: 1, symmetricEncryptionKeys: ["a secret", "an older one"] },
  "in JSON": { hostCount: 1, serializer: "json" },
};

let made = 0;

describe.each(Object.entries(modes))("RedisPubSubChannelLayer keeps what every layer promises, %s", (_mode, given) => {
  const { hostCount, ...own } = given;
  // Each has a prefix of its own, so that none hears of another.
  const make = (options: ChannelLayerOptions): RedisPubSubChannelLayer =>
    new RedisPubSubChannelLayer({
      ...options,
      ...own,
      prefix: `test${made++}.`,
      hosts: servers.slice(0, hostCount).map(({ url }) => url),
    });
  const suite = layerConformance({
    timeout: 25_000,
    make,
    without: {
      waiting: "pub/sub keeps nothing for those who are not there",
      namedMembers: "a process can subscribe for its own channels alone",
      fullSend: "Redis does not know what is full in a process",
      fullReport: "Redis does not know what is full in a process",
    },
  });
  for (const { name, run } of suite.filter(
    ({ name }) => own.serializer !== "json" || !/bytes|changes after/.test(name),
  )) {
    test(name, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
