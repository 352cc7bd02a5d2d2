import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayerOptions } from "millrace";
import { layerConformance } from "millrace/testing";
import { RedisChannelLayer, type RedisChannelLayerOptions } from "millrace/redis";
import { RedisServer } from "../../support/redis-server.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const modes: Readonly<Record<string, RedisChannelLayerOptions & { readonly hostCount?: number }>> = {
  "on one host": {},
  "on ten hosts": { hostCount: 10 },
  encrypted: { symmetricEncryptionKeys: ["a secret", "an older one"] },
  "in JSON": { serializer: "json" },
  "each channel a member by itself": { aggregate: false },
};

let made = 0;

describe.each(Object.entries(modes))("RedisChannelLayer keeps what every layer promises, %s", (_mode, given) => {
  const { hostCount = 1, ...own } = given;
  const make = (options: ChannelLayerOptions): RedisChannelLayer =>
    new RedisChannelLayer({
      ...options,
      ...own,
      // Each has a prefix of its own, so that none hears of another.
      prefix: `test${made++}.`,
      hosts: Array.from({ length: hostCount }, (_, db) => `${server.url}/${db}`),
    });
  const suite = layerConformance({
    timeout: 25_000,
    make,
    without: {
      fullReport: "Redis knows how many messages wait for a process, and not how many a member has not handled",
      ...(hostCount > 1 ? { fullSend: "each host holds as many messages of a named channel as its capacity" } : {}),
    },
  });
  for (const { name, run } of suite) {
    // JSON carries no bytes; and a message to channels that are members by themselves does not say what group it was for.
    if (own.serializer === "json" && /bytes|changes after/.test(name)) continue;
    if (own.aggregate === false && name.startsWith("a full member of a group")) continue;
    test(name, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
