import { performance } from "node:perf_hooks";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { channelLayerFromUrl } from "millrace/redis";
import { findOtherFormat } from "../../../src/layers/other-format.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-sentinel.ts";
import { PythonProcess } from "./core-peer.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis[Symbol.asyncDispose]());

const layers: ChannelLayer[] = [];
afterEach(async () => {
  for (const layer of layers.splice(0)) await layer.close();
  await redis.command("FLUSHALL");
  await until(async () => ((await redis.command("PUBSUB", "CHANNELS", "*")) as readonly unknown[]).length === 0);
});

function layerOf(kind: "core" | "pubsub", parameters = "", server = redis): ChannelLayer {
  const layer = channelLayerFromUrl(`redis+${kind}://127.0.0.1:${server.port}${parameters}`);
  layers.push(layer);
  return layer;
}

async function enter(layer: ChannelLayer): Promise<void> {
  const channel = await layer.newChannel(() => {});
  await layer.groupAdd("room.1", channel.name);
}

describe("a search for the other layer's format", () => {
  test("finds a group of Python's core layer, and says which URL would share it", async () => {
    await using python = new PythonProcess();
    const django = await python.layer({ hosts: [redis.url] });
    await django.groupAdd("room.1", await django.newChannel());
    expect(await findOtherFormat(layerOf("pubsub"))).toEqual({
      address: redis.url,
      layer: "redis+core",
      example: "asgi:group:room.1",
      url: `redis+core://127.0.0.1:${redis.port}`,
    });
  });

  test("finds the queue of one of core's processes, without a group", async () => {
    await using python = new PythonProcess();
    const django = await python.layer({ hosts: [redis.url] });
    await django.send(await django.newChannel(), "{'type': 'a'}");
    expect(await findOtherFormat(layerOf("pubsub"))).toMatchObject({
      example: expect.stringMatching(/^asgispecific\./),
    });
  });

  test("finds a group of the pub/sub layer that has members", async () => {
    await enter(layerOf("pubsub"));
    expect(await findOtherFormat(layerOf("core"))).toEqual({
      address: redis.url,
      layer: "redis+pubsub",
      example: "asgi__group__room.1",
      url: `redis+pubsub://127.0.0.1:${redis.port}`,
    });
  });

  test("names prefix and database in the URL, and looks under no other", async () => {
    await enter(layerOf("core", "/3?prefix=a*b"));
    const same = await findOtherFormat(layerOf("pubsub", "/3?prefix=chat"));
    expect(same).toBeUndefined();
    await enter(layerOf("core", "/3?prefix=chat"));
    expect(await findOtherFormat(layerOf("pubsub", "/3?prefix=chat"))).toMatchObject({
      url: `redis+core://127.0.0.1:${redis.port}/3?prefix=chat`,
    });
    expect(await findOtherFormat(layerOf("pubsub"))).toBeUndefined();
    expect(await findOtherFormat(layerOf("pubsub", "/3"))).toBeUndefined();
  });

  test.each(["core", "pubsub"] as const)("finds nothing where the layer %s is alone", async (kind) => {
    const layer = layerOf(kind);
    await enter(layer);
    await redis.command("SET", "asgi-of-somebody-else", "1");
    expect(await findOtherFormat(layer)).toBeUndefined();
  });

  test("finds nothing where Redis is away, where it may not ask, and where nobody answers in time", async () => {
    await using lost = await RedisServer.start();
    const layer = layerOf("pubsub", "", lost);
    await lost.command("ACL", "SETUSER", "default", "-scan");
    expect(await findOtherFormat(layer)).toBeUndefined();
    lost.freeze();
    const start = performance.now();
    expect(await findOtherFormat(layer)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(5000);
    await lost.kill();
    expect(await findOtherFormat(layer)).toBeUndefined();
  });

  test("ends after ten thousand keys, however many there are", async () => {
    await redis.command("EVAL", "for i = 1, 200000 do redis.call('SET', 'other:' .. i, 1) end", 0);
    const layer = layerOf("pubsub");
    await redis.command("CONFIG", "RESETSTAT");
    expect(await findOtherFormat(layer)).toBeUndefined();
    const stats = String(await redis.command("INFO", "commandstats"));
    expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeLessThanOrEqual(20);
  });
});
