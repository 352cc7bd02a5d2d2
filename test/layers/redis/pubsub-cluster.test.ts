import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { layerConformance } from "millrace/testing";
import { type RedisClusterServers, startCluster } from "../../support/redis-cluster.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
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

function newProcess(prefix: string): RedisPubSubChannelLayer {
  const layer = new RedisPubSubChannelLayer({ hosts: [cluster.host], prefix, capacity: 10_000 });
  layers.push(layer);
  return layer;
}

describe("RedisPubSubChannelLayer on a Redis Cluster", () => {
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
    make: (options) => new RedisPubSubChannelLayer({ ...options, hosts: [cluster.host], prefix: `test${made++}.` }),
    without: { waiting: nodeKnows, namedMembers: nodeKnows, fullSend: nodeKnows, fullReport: nodeKnows },
  });
  for (const { name, run } of suite.filter(({ without }) => without === undefined)) {
    test(name, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
