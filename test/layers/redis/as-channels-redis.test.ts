import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { RedisChannelLayer, type RedisChannelLayerOptions, RedisPubSubChannelLayer } from "millrace/redis";
import { createCodec } from "../../../src/layers/codec/codec.ts";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

// What the tests of channels_redis check and no other test of ours does.

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const expired = heard("millrace:message:expired");
const overCapacity = heard("millrace:layer:over-capacity");

let made = 0;
const newPrefix = (): string => `as${made++}.`;
const tenHosts = (): string[] => Array.from({ length: 10 }, (_, db) => `${server.url}/${db}`);

function core(options: RedisChannelLayerOptions = {}): RedisChannelLayer {
  return new RedisChannelLayer({ hosts: [server.url], prefix: newPrefix(), ...options });
}

const numbered = (number: number) => ({ type: "test.message", number });
/** A channel of a process that is not there, so that what is sent to it waits. */
const absent = `specific.${"0".repeat(32)}!somebody`;

describe("RedisChannelLayer, as channels_redis.core,", () => {
  test.each([1, 10, 100])(
    "brings a message to a group of %i members, each by itself, over ten hosts",
    async (count) => {
      await using layer = core({ hosts: tenHosts(), aggregate: false, capacity: 1000 });
      const members = await Promise.all(
        Array.from({ length: count }, async () => {
          const inbox = new Received();
          const { name } = await layer.newChannel(inbox.subscriber);
          await layer.groupAdd("room", name);
          return inbox;
        }),
      );
      const began = performance.now();
      await layer.groupSend("room", numbered(1));
      for (const member of members) expect(await member.next()).toEqual(numbered(1));
      // Far more than it takes; one round trip after the other, for each member, would be more still.
      expect(performance.now() - began).toBeLessThan(5000);
      for (const member of members) expect(member.all).toEqual([]);
    },
  );

  test("brings a message to one hundred processes over ten hosts", async () => {
    const [hosts, prefix] = [tenHosts(), newPrefix()];
    await using sender = core({ hosts, prefix });
    const names = Array.from({ length: 100 }, (_, index) => `specific.${String(index).padStart(32, "0")}!somebody`);
    await Promise.all(names.map(async (name) => sender.groupAdd("room", name)));
    expect(await sender.groupSend("room", numbered(1))).toEqual({
      processes: 100,
      delivered: undefined,
      overCapacity: 0,
    });
  });

  test("keeps the first messages of a group whose member is full, and says that one of one was", async () => {
    const prefix = newPrefix();
    await using layer = core({ prefix, capacity: 3 });
    await layer.groupAdd("test-group", absent);
    for (const number of [0, 1, 2]) await layer.groupSend("test-group", numbered(number));
    for (const number of [3, 4]) {
      const report = await layer.groupSend("test-group", numbered(number));
      expect(report).toEqual({ processes: 0, delivered: undefined, overCapacity: 1 });
    }
    expect(overCapacity).toEqual(
      [3, 4].map(() => ({ layer: "redis+core", target: "test-group", type: "test.message", members: 1 })),
    );
    const waiting = (await server.command("ZCARD", `${prefix}specific.${"0".repeat(32)}!`)) as number;
    expect(waiting).toBe(3);
  });

  test("lets what was sent to a group expire as well, and what is sent later arrive", async () => {
    await using layer = core({ expiry: 0.2 });
    await layer.groupAdd("room", absent);
    await layer.groupAdd("room", "jobs");
    await layer.groupSend("room", numbered(1));
    await until(() => expired.length === 2);
    expect(expired.map(({ channel }) => channel).toSorted()).toEqual(["jobs", absent].toSorted());
    const inbox = new Received();
    await layer.subscribe("jobs", inbox.subscriber);
    await layer.groupSend("room", numbered(2));
    expect(await inbox.next()).toEqual(numbered(2));
  });
});

describe("the names of channels and processes", () => {
  afterEach(() => void jest.restoreAllMocks());

  test.each([
    ["redis+core", () => core()],
    ["redis+pubsub", () => new RedisPubSubChannelLayer({ hosts: [server.url], prefix: newPrefix() })],
  ])("do not repeat where random numbers do (%s)", async (_kind, make) => {
    jest.spyOn(Math, "random").mockReturnValue(0.5);
    await using one = make();
    await using other = make();
    const names = [];
    for (const layer of [one, one, other]) names.push((await layer.newChannel(() => {})).name);
    expect(new Set(names).size).toBe(3);
    // What comes before the part of one channel tells processes apart.
    const processes = names.map((name) => (name.includes("!") ? name.split("!")[0] : name.slice(0, -16)));
    expect(new Set(processes).size).toBe(2);
  });
});

test.each([8, 12, 0, -1])("both serializers work behind a prefix of %i bytes", (randomPrefixLength) => {
  for (const serializer of ["msgpack", "json"] as const) {
    const codec = createCodec({ serializer, randomPrefixLength });
    const message = { type: "a.b", a: true, b: null, c: { d: [] } };
    const [one, other] = [codec.encode(message), codec.encode(message)];
    expect(codec.decode(one).message).toEqual(message);
    expect(one.equals(other)).toBe(randomPrefixLength <= 0);
  }
});
