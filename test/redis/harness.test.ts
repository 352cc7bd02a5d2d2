import { describe, expect, test } from "@jest/globals";
import { startCluster } from "../support/redis-cluster.ts";
import { identify, startSentinelSet } from "../support/redis-sentinel.ts";
import { RedisServer } from "../support/redis-server.ts";

describe("the servers of the tests", () => {
  test("come back on their port, empty, as another run", async () => {
    await using server = await RedisServer.start();
    const before = await identify(server);
    await server.command("SET", "key", "value");
    await server.restart();

    expect(await server.command("GET", "key")).toBeNull();
    expect(await identify(server)).toEqual({ ...before, runId: expect.not.stringContaining(before.runId) });
  });

  test("fail over by their sentinels", async () => {
    await using set = await startSentinelSet();
    const { before, after } = await set.failover();

    expect([before.role, after.role]).toEqual(["master", "master"]);
    expect(after.port).not.toBe(before.port);
    expect(after.runId).not.toBe(before.runId);
  });

  test("make a cluster", async () => {
    await using cluster = await startCluster();
    const [master] = cluster.masters;

    expect(String(await master?.command("CLUSTER", "INFO"))).toContain("cluster_size:3");
  });
});
