import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { layerConformance } from "millrace/testing";
import { type RedisClusterServers, startCluster } from "../../support/redis-cluster.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

let cluster: RedisClusterServers;
const layers: RedisPubSubChannelLayer[] = [];
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterEach(async () => {
  for (const layer of layers.splice(0)) await layer.close();
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe.each([
  ["", false],
  [", with sharded pub/sub", true],
])("RedisPubSubChannelLayer on a Redis Cluster%s", (how, shardedPubSub) => {
  function newProcess(name: string): RedisPubSubChannelLayer {
    const prefix = `${how === "" ? "plain" : "sharded"}.${name}`;
    const layer = new RedisPubSubChannelLayer({ hosts: [cluster.host], prefix, capacity: 10_000, shardedPubSub });
    layers.push(layer);
    return layer;
  }

  test("carries messages between processes, on whatever node they are", async () => {
    const [here, there] = [newProcess("one."), newProcess("one.")];
    for (let count = 0; count < 20; count++) {
      const received = new Received();
      const channel = await here.newChannel(received.subscriber);
      await here.groupAdd(`room.${count}`, channel.name);
      await there.send(channel.name, { type: "test.message", count });
      await there.groupSend(`room.${count}`, { type: "test.message", count });
      const message = { type: "test.message", count };
      expect(await received.take(2)).toEqual([message, message]);
    }
  });

  test("shows all members one order, whichever process sent", async () => {
    const processes = Array.from({ length: 4 }, () => newProcess("two."));
    const members = [];
    for (const layer of processes) {
      const received = new Received();
      await layer.groupAdd("room", (await layer.newChannel(received.subscriber)).name);
      members.push(received);
    }
    const sent = processes.flatMap((layer, at) =>
      Array.from({ length: 200 }, async (_, number) =>
        layer.groupSend("room", { type: "test.message", sender: at, number }),
      ),
    );
    await Promise.all(sent);
    const [first = [], ...others] = await Promise.all(members.map((member) => member.take(800)));
    for (const other of others) expect(other).toEqual(first);
    for (const sender of processes.keys()) {
      const numbers = first.filter((message) => message["sender"] === sender).map(({ number }) => number);
      expect(numbers).toEqual(Array.from({ length: 200 }, (_, number) => number));
    }
  });

  let made = 0;
  const nodeKnows = "a node of the cluster knows its own receivers alone";
  const suite = layerConformance({
    timeout: 25_000,
    make: (options) =>
      new RedisPubSubChannelLayer({
        ...options,
        hosts: [cluster.host],
        prefix: `test${how === "" ? "" : "s"}${made++}.`,
        shardedPubSub,
      }),
    without: { waiting: nodeKnows, namedMembers: nodeKnows, fullSend: nodeKnows, fullReport: nodeKnows },
  });
  for (const { name, run } of suite.filter(({ without }) => without === undefined)) {
    test(name, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});

describe("RedisPubSubChannelLayer with sharded pub/sub", () => {
  const open = (prefix: string, shardedPubSub = true): RedisPubSubChannelLayer => {
    const layer = new RedisPubSubChannelLayer({ hosts: [cluster.host], prefix, shardedPubSub });
    layers.push(layer);
    return layer;
  };

  async function member(layer: RedisPubSubChannelLayer, ...groups: readonly string[]) {
    const received = new Received();
    const channel = await layer.newChannel(received.subscriber);
    for (const group of groups) await layer.groupAdd(group, channel.name);
    return Object.assign(received, { channel });
  }

  test("counts all processes that a message was handed to, in whatever slot its group is", async () => {
    const processes = Array.from({ length: 3 }, () => open("count."));
    for (let count = 0; count < 12; count++) {
      const group = `room.${count}`;
      const members = [];
      for (const layer of processes.slice(0, count % 4))
        members.push(await member(layer, group), await member(layer, group));
      const report = await open("count.").groupSend(group, { type: "test.message", count });
      expect(report).toEqual({ processes: count % 4, delivered: undefined, overCapacity: 0 });
      for (const one of members) expect(await one.next()).toEqual({ type: "test.message", count });
    }
  });

  test("tells a sender that nobody receives a channel", async () => {
    const layer = open("nobody.");
    const ended = await member(open("nobody."));
    await layer.send(ended.channel.name, { type: "test.message" });
    await ended.next();
    for (const name of ["jobs", `nobody.specific.${"0".repeat(32)}`]) {
      await expect(layer.send(name, { type: "test.message" })).rejects.toMatchObject({ code: "ERR_CHANNEL_CLOSED" });
    }
  });

  test("shares nothing with processes that use plain pub/sub", async () => {
    const sharded = await member(open("apart."), "room");
    const plain = await member(open("apart.", false), "room");
    expect(await open("apart.").groupSend("room", { type: "from.sharded" })).toMatchObject({ processes: 1 });
    await open("apart.", false).groupSend("room", { type: "from.plain" });
    expect(await sharded.next()).toEqual({ type: "from.sharded" });
    expect(await plain.next()).toEqual({ type: "from.plain" });
    expect([...sharded.all, ...plain.all]).toEqual([]);
  });

  test("keeps a job for workers in the slot of its channel", async () => {
    const layer = open("jobs.");
    const received = new Received();
    for (const name of ["one", "other", "third"]) {
      await layer.subscribe(name, received.subscriber);
      await open("jobs.").send(name, { type: "job.run", name });
      expect(await received.next()).toEqual({ type: "job.run", name });
    }
  });

  test("leaves no subscription on any node when it is closed", async () => {
    const layer = open("leaves.");
    for (let count = 0; count < 20; count++) await member(layer, `room.${count}`);
    await layer.close();
    for (const server of [...cluster.masters, ...cluster.replicas]) {
      await until(async () => (await server.command("PUBSUB", "SHARDCHANNELS", "leaves.*"))?.toString() === "");
    }
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test.each([
    [{ shardedPubSub: true }, /all hosts are clusters/],
    [{ shardedPubSub: "yes" as never, hosts: [{ cluster: [{ host: "a" }] }] }, /got "yes"/],
  ])("is refused where it can't be: %j", (options, says) => {
    expect(() => new RedisPubSubChannelLayer(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
    );
  });
});
