import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Script } from "../../src/redis/scripts.ts";
import { type RedisClusterServers, startCluster } from "../support/redis-cluster.ts";
import { until } from "../support/redis-sentinel.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Listener, makeLink, rejection } from "./support.ts";

noUnhandledRejections();

describe("a cluster", () => {
  let cluster: RedisClusterServers;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test("is reached by one of its nodes, and each key by the node that has it", async () => {
    await using link = makeLink(cluster.host);
    await link.connect();
    const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`);
    await Promise.all(keys.map((key) => link.call("SET", key, key)));

    expect(await Promise.all(keys.map((key) => link.call("GET", key)))).toEqual(keys);
    const sizes = await Promise.all(cluster.masters.map((master) => master.command("DBSIZE")));
    expect(sizes.every((size) => Number(size) > 0)).toBe(true);
    expect(await rejection(link.call("MGET", "key 1", "key 2"))).toMatchObject({
      code: "ERR_REDIS",
      message: expect.stringMatching(/CROSSSLOT.*different slots/),
    });
  });

  test("runs scripts on the node of their key", async () => {
    const script = new Script("return redis.call('INCR', KEYS[1])");
    await using link = makeLink(cluster.host, { scripts: [script] });
    for (const key of ["a", "b", "c", "d"]) {
      expect(await script.run(link, [key])).toBe(1);
      expect(await script.run(link, [key])).toBe(2);
    }
  });

  test("carries what is published on any node to a subscriber on any other", async () => {
    await using listener = new Listener(cluster.host);
    await listener.subscriber.subscribe("a");
    for (const [at, server] of [...cluster.masters, ...cluster.replicas].entries()) {
      await server.command("PUBLISH", "a", at);
      await listener.heard(at + 1);
    }
    expect(listener.messages).toEqual([0, 1, 2, 3, 4, 5].map((at) => `a ${at}`));
  });

  test("is sent to again when the node has died that was named, and another has its slots", async () => {
    await using link = makeLink(cluster.host, { offlineTimeout: 0.2 });
    await link.connect();
    const keys = Array.from({ length: 50 }, (_, at) => `again ${at}`);
    const [named] = cluster.masters;
    await named?.kill();
    await until(async () => {
      const settled = await Promise.allSettled(keys.map((key) => link.call("SET", key, key)));
      return settled.every(({ status }) => status === "fulfilled");
    });

    expect(await Promise.all(keys.map((key) => link.call("GET", key)))).toEqual(keys);
    await named?.start();
  });

  test("is received from another node when that of the subscriber dies", async () => {
    await using listener = new Listener(cluster.host);
    await listener.subscriber.subscribe("a");
    const servers = [...cluster.masters, ...cluster.replicas];
    const holders = await Promise.all(servers.map((server) => server.command("PUBSUB", "NUMSUB", "a")));
    const at = holders.findIndex((answer) => Array.isArray(answer) && answer[1] === 1);
    await servers[at]?.kill();
    await listener.recovered();
    const other = servers.find((_, index) => index !== at);
    await until(async () => {
      await other?.command("PUBLISH", "a", "again");
      return listener.messages.includes("a again");
    });

    expect(listener.gaps.length).toBeGreaterThan(0);
    await servers[at]?.start();
  });
});
