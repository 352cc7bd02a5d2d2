import { expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { channelLayerFromUrl } from "millrace/redis";
import { RedisServer } from "../support/redis-server.ts";

async function closing<T>(layer: ChannelLayer, look: (layer: ChannelLayer) => T): Promise<T> {
  await using open = layer;
  return look(open);
}

test.each([
  ["memory:", "memory", 100],
  ["memory:?capacity=7", "memory", 7],
  ["redis://localhost:6379", "redis+pubsub", 100],
  ["rediss://user:secret@localhost:6379/1", "redis+pubsub", 100],
  ["redis+pubsub://localhost?prefix=chat&capacity=500", "redis+pubsub", 500],
  ["redis+core://localhost/2?expiry=10&groupExpiry=600", "redis+core", 100],
  ["unix+core:///run/redis.sock?db=1", "redis+core", 100],
])("the URL %s makes a layer of its kind", async (url, kind, capacity) => {
  expect(await closing(channelLayerFromUrl(url), (layer) => [layer.kind, layer.capacity])).toEqual([kind, capacity]);
});

test.each([
  ["", /no URL of a channel layer/],
  ["http://localhost", /wanted memory:, redis:\/\/host:port\/db/],
  ["memory+core:", /no URL of a channel layer/],
  ["memory://elsewhere", /no URL of a channel layer/],
  ["redis+stream://localhost", /no URL of a channel layer/],
  ["redis://localhost?capacty=3", /no parameter "capacty"; did you mean "capacity"/],
  ["memory:?prefix=a", /no parameter "prefix"/],
  ["redis://localhost?capacity=", /capacity is no capacity/],
  ["redis+core://localhost?expiry=soon", /expiry is no time; got NaN/],
])("the URL %j is refused with what is wrong", (url, says) => {
  expect(() => channelLayerFromUrl(url)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
  );
});

test("a URL that is refused does not show its password", () => {
  for (const url of [
    "redis+wrong://user:secret@host",
    "redis://user:secret@host?wrong=1",
    "redis://user:secret@host/x",
  ]) {
    expect(() => channelLayerFromUrl(url)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  }
});

test.each(["pubsub", "core"])("layers of the same URL meet on Redis (%s)", async (layer) => {
  await using redis = await RedisServer.start();
  const url = `redis+${layer}://${redis.host}:${redis.port}?prefix=met`;
  await using one = channelLayerFromUrl(url);
  await using other = channelLayerFromUrl(url);
  const heard = new Promise((resolve) => {
    void Promise.resolve(one.newChannel((message) => resolve(message))).then((channel) =>
      one.groupAdd("all", channel.name).then(() => other.groupSend("all", { type: "a.b", text: "hello" })),
    );
  });
  expect(await heard).toEqual({ type: "a.b", text: "hello" });
});
