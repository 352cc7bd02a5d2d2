import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { channelLayerFromUrl, RedisPubSubChannelLayer } from "millrace/redis";
import { examineLayer, type ServerExamination } from "../../src/layers/examination.ts";
import type { Examined, Finding, FindingLevel } from "../../src/layers/finding.ts";
import { checkRights } from "../../src/layers/right-checks.ts";
import { checkServer } from "../../src/layers/server-checks.ts";
import { checkSettings } from "../../src/layers/setting-checks.ts";
import type { ServerFacts } from "../../src/redis/server-facts.ts";
import { quoted, tableUnder } from "../docs/blocks.ts";
import { freePort } from "../support/free-port.ts";
import { RedisClusterServers } from "../support/redis-cluster.ts";
import { SentinelSet, until } from "../support/redis-sentinel.ts";
import { RedisServer } from "../support/redis-server.ts";

type Kind = "core" | "pubsub";

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis[Symbol.asyncDispose]());

const layers: ChannelLayer[] = [];
afterEach(async () => {
  for (const layer of layers.splice(0)) await layer.close();
});

function layerOf(kind: Kind, server = redis, login = ""): ChannelLayer {
  const layer = channelLayerFromUrl(`redis+${kind}://${login}127.0.0.1:${server.port}`);
  layers.push(layer);
  return layer;
}

/** What is found on one server. */
async function examined(layer: ChannelLayer): Promise<ServerExamination> {
  const [server] = (await examineLayer(layer)).servers;
  if (server === undefined) throw new Error("A layer has a server");
  return server;
}

function of(check: string, findings: readonly Finding[]): Finding {
  const finding = findings.find((one) => one.check === check);
  if (finding === undefined) throw new Error(`There is no check ${check}`);
  return finding;
}

async function levelOf(check: string, layer: ChannelLayer): Promise<FindingLevel> {
  const finding = of(check, (await examined(layer)).findings);
  // What is amiss has a remedy.
  expect(finding.remedy !== undefined).toBe(finding.level === "warning" || finding.level === "error");
  return finding.level;
}

async function config(settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await redis.command("CONFIG", "SET", name, value);
}

describe("a Redis as it is installed", () => {
  test.each(["core", "pubsub"] as const)("is well for the layer %s, and a message arrives", async (kind) => {
    const { servers, delivery, layer, prefix } = await examineLayer(layerOf(kind), layerOf(kind));
    expect({ layer, prefix }).toEqual({ layer: `redis+${kind}`, prefix: "asgi" });
    expect(servers).toEqual([
      expect.objectContaining({ address: redis.url, role: "master", mode: "standalone", version: expect.any(String) }),
    ]);
    for (const { findings } of servers) {
      for (const finding of findings) expect(finding).toMatchObject({ level: "ok" });
    }
    expect(delivery).toEqual({
      check: "message",
      level: "ok",
      text: expect.stringMatching(/arrived after [\d.]+ ms$/),
    });
  });

  test("holds nothing of an examination afterwards", async () => {
    await redis.command("FLUSHALL");
    await examineLayer(layerOf("core"), layerOf("core"));
    for (const layer of layers.splice(0)) await layer.close();
    const keys = (await redis.command("KEYS", "*")) as readonly string[];
    expect(keys.filter((key) => key.includes("doctor"))).toEqual([]);
  });
});

describe("a setting", () => {
  const usual = {
    "maxmemory-policy": "noeviction",
    maxmemory: "0",
    "client-output-buffer-limit": "pubsub 33554432 8388608 60",
    timeout: "0",
    "tcp-keepalive": "300",
  };
  afterEach(() => config(usual));

  const buffer = "client-output-buffer-limit";
  const pubsubBuffer = `${buffer} pubsub`;
  test.each<[check: string, settings: Record<string, string>, core: FindingLevel, pubsub: FindingLevel]>([
    ["maxmemory-policy", { "maxmemory-policy": "allkeys-lru", maxmemory: "100mb" }, "error", "warning"],
    ["maxmemory-policy", { "maxmemory-policy": "volatile-ttl", maxmemory: "100mb" }, "error", "warning"],
    ["maxmemory-policy", { "maxmemory-policy": "allkeys-lru" }, "warning", "warning"],
    ["maxmemory-policy", { maxmemory: "100mb" }, "ok", "ok"],
    ["memory", { maxmemory: "1" }, "error", "warning"],
    ["memory", { maxmemory: "100mb" }, "ok", "ok"],
    [pubsubBuffer, { [buffer]: "pubsub 4mb 1mb 60" }, "ok", "warning"],
    [pubsubBuffer, { [buffer]: "pubsub 512kb 0 0" }, "ok", "error"],
    [pubsubBuffer, { [buffer]: "pubsub 0 0 0" }, "ok", "ok"],
    ["timeout", { timeout: "5" }, "warning", "warning"],
    ["timeout", { timeout: "300" }, "ok", "ok"],
    ["tcp-keepalive", { "tcp-keepalive": "0" }, "warning", "warning"],
    ["tcp-keepalive", { "tcp-keepalive": "60" }, "ok", "ok"],
  ])("%s, as %j: %s for core, %s for pub/sub", async (check, settings, core, pubsub) => {
    await config(settings);
    expect(await levelOf(check, layerOf("core"))).toBe(core);
    expect(await levelOf(check, layerOf("pubsub"))).toBe(pubsub);
  });

  test("memory that is nearly used up is a warning", async () => {
    await using full = await RedisServer.start();
    await full.command("SETRANGE", "much", 50_000_000, "x");
    await full.command("CONFIG", "SET", "maxmemory", "53mb");
    expect(await levelOf("memory", layerOf("core", full))).toBe("warning");
  });

  test("a message that does not get through is an error", async () => {
    await config({ maxmemory: "1" });
    const { delivery } = await examineLayer(layerOf("core"));
    expect(delivery).toMatchObject({ level: "error", text: expect.stringContaining("could not be sent: ") });
  });

  test("that may not be asked is unknown, and no error", async () => {
    await redis.command(
      "ACL",
      "SETUSER",
      "managed",
      "on",
      ">pw",
      "allkeys",
      "allchannels",
      "allcommands",
      "-config",
      "-acl",
    );
    const { findings } = await examined(layerOf("core", redis, "managed:pw@"));
    const unknown = findings.filter(({ level }) => level === "unknown").map(({ check }) => check);
    expect(unknown).toEqual([pubsubBuffer, "timeout", "tcp-keepalive", "rights"]);
    expect(findings.filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("a save that failed is an error where writes are refused, and a warning where they go on", async () => {
  await using server = await RedisServer.start({ config: ['save "3600 1000000"'] });
  expect(await levelOf("persistence", layerOf("core", server))).toBe("ok");
  await mkdir(join(server.folder, "dump.rdb"));
  await server.command("BGSAVE");
  await until(async () => String(await server.command("INFO", "persistence")).includes("rdb_last_bgsave_status:err"));
  expect(await levelOf("persistence", layerOf("core", server))).toBe("error");
  expect(await levelOf("persistence", layerOf("pubsub", server))).toBe("warning");
  await server.command("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
  expect(await levelOf("persistence", layerOf("core", server))).toBe("warning");
});

describe("a user", () => {
  const rights = ["on", ">pw", "resetkeys", "resetchannels", "allcommands", "~asgi*"];

  test.each<[problem: string, kind: Kind, rules: readonly string[], text: RegExp]>([
    ["a command", "core", ["-bzpopmin"], /bzpopmin/i],
    ["its keys", "core", ["resetkeys", "~other*"], /asgi:group:doctor/],
    ["a command", "pubsub", ["&*", "-publish"], /publish/i],
    ["globs of channels", "pubsub", ["&asgi*"], /asgispecific/],
  ])("who lacks %s of the layer %s is an error", async (_problem, kind, rules, text) => {
    await redis.command("ACL", "SETUSER", "chat", "reset", ...rights, ...rules);
    const finding = of("rights", (await examined(layerOf(kind, redis, "chat:pw@"))).findings);
    expect(finding).toMatchObject({ level: "error", text: expect.stringMatching(text) });
  });

  test.each(["core", "pubsub"] as const)("who has what the layer %s needs is well", async (kind) => {
    await redis.command("ACL", "SETUSER", "chat", "reset", ...rights, "&*");
    expect(await levelOf("rights", layerOf(kind, redis, "chat:pw@"))).toBe("ok");
  });
});

describe("a server that a layer can't use", () => {
  test.each<[problem: string, kind: Kind]>([
    ["a replica", "core"],
    ["a replica", "pubsub"],
  ])("%s, with the layer %s, is an error that names its master", async (_problem, kind) => {
    await using replica = await RedisServer.start({ config: [`replicaof 127.0.0.1 ${redis.port}`] });
    const { role, findings } = await examined(layerOf(kind, replica));
    expect(role).toBe("slave");
    expect(of("role", findings)).toMatchObject({
      level: "error",
      text: expect.stringContaining(`127.0.0.1:${redis.port}`),
    });
  });

  test("a sentinel is an error", async () => {
    await using sentinel = await RedisServer.start({ program: "redis-sentinel" });
    const { mode, findings } = await examined(layerOf("pubsub", sentinel));
    expect(mode).toBe("sentinel");
    expect(of("mode", findings)).toMatchObject({ level: "error", remedy: expect.stringContaining("sentinels") });
  });

  test("a node of a cluster is an error, and so is a cluster that does not serve all slots", async () => {
    await using node = await RedisServer.start({ config: ["cluster-enabled yes", `cluster-port ${await freePort()}`] });
    for (const kind of ["core", "pubsub"] as const) {
      const { findings } = await examined(layerOf(kind, node));
      for (const check of ["mode", "cluster"]) expect(of(check, findings)).toMatchObject({ level: "error" });
      expect(of("sharded pub/sub", findings).level).toBe("ok");
    }
  });

  test.each<[problem: string, address: () => Promise<string>, text: RegExp]>([
    ["one that is not there", async () => `127.0.0.1:${await freePort()}`, /ECONNREFUSED/],
    ["one that refuses the password", async () => `chat:wrong-secret@127.0.0.1:${redis.port}`, /WRONGPASS/],
  ])("%s is an error, and no message is tried", async (_problem, address, text) => {
    const layer = channelLayerFromUrl(`redis://${await address()}`);
    layers.push(layer);
    const { servers, delivery } = await examineLayer(layer);
    expect(servers).toEqual([
      expect.objectContaining({ findings: [{ check: "reach", level: "error", text: expect.stringMatching(text) }] }),
    ]);
    expect(delivery.level).toBe("unknown");
    expect(JSON.stringify(servers)).not.toContain("secret");
  });

  test("one that does not answer is an error within seconds", async () => {
    await using frozen = await RedisServer.start();
    frozen.freeze();
    const layer = new RedisPubSubChannelLayer({ hosts: [frozen.url], connectTimeout: 0.5, probeTimeout: 0.5 });
    layers.push(layer);
    const { findings } = await examined(layer);
    expect(findings).toMatchObject([{ check: "reach", level: "error" }]);
  });
});

test("a cluster is examined by its masters, from any node", async () => {
  await using cluster = await RedisClusterServers.start();
  const layer = new RedisPubSubChannelLayer({ hosts: [cluster.host] });
  layers.push(layer);
  const { servers, delivery } = await examineLayer(layer);
  expect(servers.map(({ address }) => address).toSorted()).toEqual(
    cluster.masters.map(({ host, port }) => `${host}:${port}`).toSorted(),
  );
  for (const { findings } of servers) expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(delivery.level).toBe("ok");
});

test("a master is found by its sentinels, and should not take what no replica has", async () => {
  await using set = await SentinelSet.start();
  const layer = new RedisPubSubChannelLayer({ hosts: [set.host] });
  layers.push(layer);
  const master = await set.master();
  expect((await examined(layer)).address).toContain(`127.0.0.1:${master.port}`);
  expect(await levelOf("min-replicas-to-write", layer)).toBe("warning");
  await master.command("CONFIG", "SET", "min-replicas-to-write", "1");
  expect(await levelOf("min-replicas-to-write", layer)).toBe("ok");
});

test("groups of the other layer are a warning, with the URL that shares them", async () => {
  const other = layerOf("pubsub");
  const channel = await other.newChannel(() => {});
  await other.groupAdd("room", channel.name);
  const finding = of("other layer", (await examined(layerOf("core"))).findings);
  expect(finding).toMatchObject({
    level: "warning",
    remedy: expect.stringContaining(`redis+pubsub://127.0.0.1:${redis.port}`),
  });
});

describe("what no server here can be brought to", () => {
  const well: ServerFacts = {
    address: "redis://10.0.0.1:6379",
    info: new Map([
      ["redis_version", "7.0.15"],
      ["redis_mode", "standalone"],
      ["role", "master"],
    ]),
    config: new Map(),
    clock: { ahead: 0, uncertainty: 1 },
    masters: [],
    clusterIsWell: undefined,
    refusals: [],
  };
  const core: Examined = { layer: "redis+core", prefix: "asgi", via: "server" };
  const pubsub: Examined = { layer: "redis+pubsub", prefix: "asgi", via: "cluster" };

  const withInfo = (info: Readonly<Record<string, string>>): ServerFacts => ({
    ...well,
    info: new Map([...well.info, ...Object.entries(info)]),
  });

  test.each([
    ["4.0.14", "error"],
    ["5.0.0", "ok"],
    ["10.1.0", "ok"],
  ])("Redis %s is %s", (version, level) => {
    expect(of("version", checkServer(withInfo({ redis_version: version }), core)).level).toBe(level);
  });

  test.each([
    ["6.2.6", "warning"],
    ["7.2.0", "ok"],
  ])("a cluster of Redis %s: %s", (version, level) => {
    const facts = { ...withInfo({ redis_version: version, redis_mode: "cluster" }), clusterIsWell: true };
    expect(of("sharded pub/sub", checkServer(facts, pubsub)).level).toBe(level);
  });

  test.each<[ahead: number, uncertainty: number, core: FindingLevel, pubsub: FindingLevel]>([
    [50, 1, "ok", "ok"],
    [-5000, 4000, "ok", "ok"],
    [-5000, 1, "warning", "warning"],
    [61_000, 1, "error", "warning"],
    [-61_000, 500, "error", "warning"],
  ])(
    "a clock that is %i ms ahead, give or take %i ms: %s for core, %s for pub/sub",
    (ahead, uncertainty, one, other) => {
      const facts = { ...well, clock: { ahead, uncertainty } };
      expect(of("clock", checkServer(facts, core)).level).toBe(one);
      expect(of("clock", checkServer(facts, pubsub)).level).toBe(other);
    },
  );

  test.each([
    [{ loading: "1" }, "error"],
    [{ aof_last_write_status: "err" }, "error"],
    [{ rdb_last_bgsave_status: "ok" }, "ok"],
  ])("%j is %s", (info, level) => {
    expect(of("persistence", checkSettings(withInfo(info as Record<string, string>), core)).level).toBe(level);
  });

  test("every check that there is stands in the reference", () => {
    const clustered: ServerFacts = { ...withInfo({ redis_mode: "cluster" }), clusterIsWell: true };
    const found = [
      ...checkServer(clustered, pubsub),
      ...checkSettings(well, { ...core, via: "sentinel" }),
      checkRights(well),
    ];
    const known = new Set([...found.map(({ check }) => check), "reach", "other layer", "message"]);
    const rows = tableUnder("docs/reference/cli.md", "Checks of `doctor`");
    expect(new Set(rows.map(([check]) => quoted(check)[0]))).toEqual(known);
  });

  test("a server that tells nothing leaves everything unknown", () => {
    const silent: ServerFacts = { ...well, info: new Map(), clock: undefined };
    for (const { level } of [...checkServer(silent, core), ...checkSettings(silent, { ...core, via: "sentinel" })]) {
      expect(level).toBe("unknown");
    }
  });
});
