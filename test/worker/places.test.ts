import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { JobQueue, runWorker } from "millrace/worker";
import { jobSiteOf } from "../../src/layers/job-site.ts";
import { workerChannels } from "../../src/worker/worker-channels.ts";
import { tableUnder } from "../docs/blocks.ts";
import { heard } from "../support/heard.ts";
import { RedisClusterServers } from "../support/redis-cluster.ts";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { job, layerKinds, Mill, until, working } from "./mill.ts";

noUnhandledRejections();
const done = heard("millrace:job:done");
const aside = heard("millrace:job:aside");
const layerErrors = heard("millrace:layer:error");

describe("workers on a Redis Cluster", () => {
  let cluster: RedisClusterServers;
  beforeAll(async () => {
    cluster = await RedisClusterServers.start();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test("work off channels of all nodes, and their jobs can be looked after", async () => {
    const channels = ["jobs", "emails", "thumbnails", "reports"];
    await using layer = new RedisPubSubChannelLayer({ hosts: [cluster.host] });
    let broken = true;
    const application = working(({ number }) => {
      if (number === 0 && broken) throw new Error("broken");
    }, channels);
    await using worker = await runWorker(application, { layers: { default: layer }, channels, maxAttempts: 1 });
    for (const channel of channels) {
      for (let number = 0; number < 5; number++) await layer.send(channel, job(number));
    }
    await until(() => done.length === 16 && aside.length === 4);
    broken = false;
    for (const channel of channels) {
      await using jobs = new JobQueue(layer, channel);
      await expect(jobs.list("aside")).resolves.toMatchObject([{ reason: "failed", error: "broken" }]);
      await expect(jobs.requeueAll()).resolves.toBe(1);
    }
    await until(() => done.length === 20);
    expect(worker.running).toBe(0);
    for (const channel of channels) {
      await using jobs = new JobQueue(layer, channel);
      await expect(jobs.purge()).resolves.toBe(0);
    }
    expect(layerErrors).toEqual([]);
  });
});

describe("workers on an encrypted layer", () => {
  const mill = new Mill("redis+core");

  test("read jobs that are older than messages get, and Redis holds no plain text", async () => {
    const options = { symmetricEncryptionKeys: ["a key"], workerChannels: ["jobs"] };
    const layer = mill.layer(options);
    const old = jest.spyOn(Date, "now").mockReturnValue(Date.now() - 3_600_000);
    const sending = layer.send("jobs", { type: "job.run", text: "in plain sight" });
    old.mockRestore();
    await sending;
    const [stream = ""] = await mill.keys();
    expect(JSON.stringify(await mill.server.command("XRANGE", stream, "-", "+"))).not.toContain("in plain sight");
    const seen: unknown[] = [];
    await mill.worker(
      working(({ text }) => seen.push(text)),
      { layers: { default: mill.layer(options) } },
    );
    await until(() => done.length === 1);
    expect(seen).toEqual(["in plain sight"]);
  });

  test("set aside what was written with another key", async () => {
    await mill.layer({ symmetricEncryptionKeys: ["another"], workerChannels: ["jobs"] }).send("jobs", job(1));
    await mill.worker(
      working(() => {}),
      { layers: { default: mill.layer({ symmetricEncryptionKeys: ["a key"] }) } },
    );
    await until(() => aside.length === 1);
    expect(aside).toMatchObject([{ reason: "unreadable" }]);
  });
});

describe.each(layerKinds)("workers on %s as a user with the rights of the guides alone", (kind) => {
  test("take jobs, retry them and set them aside, and their operators do all that they can", async () => {
    const layerName = kind === "redis+core" ? "RedisChannelLayer" : "RedisPubSubChannelLayer";
    const rights = [
      ...rightsIn("docs/guides/channel-layers.md", layerName),
      ...rightsIn("docs/guides/workers.md", "millrace worker"),
    ];
    const config = [`user mill on >grind resetchannels ${rights.join(" ")}`];
    await using server = await RedisServer.start({ config });
    const Layer = kind === "redis+core" ? RedisChannelLayer : RedisPubSubChannelLayer;
    const hosts = [{ host: server.host, port: server.port, username: "mill", password: "grind" }];
    await using layer = new Layer({ hosts });
    let broken = true;
    const application = working(({ number }) => {
      if (number === 0 && broken) throw new Error("broken");
    });
    const options = { layers: { default: layer }, channels: ["jobs"], maxAttempts: 2, retryDelay: 10, lease: 300 };
    const worker = await runWorker(application, options);
    await layer.send("jobs", job(0));
    await layer.send("jobs", job(1));
    await until(() => aside.length === 1 && done.length === 1);
    await until(async () => (await server.command("EXISTS", "asgi:worker:{jobs}:bridge")) === 1);
    if (kind === "redis+core") await server.command("ZADD", "asgijobs", Date.now() / 1000, "rubbish");
    else await server.command("PUBLISH", "jobs", "rubbish");
    await until(() => aside.length === 2);
    await using jobs = new JobQueue(layer, "jobs");
    for (const state of ["waiting", "running", "retrying", "aside"] as const) await jobs.list(state);
    const [first] = await jobs.list("aside");
    await jobs.find(first?.id ?? "");
    await jobs.find("1-1");
    broken = false;
    await jobs.requeueAll();
    await until(() => done.length === 2 && aside.length === 3);
    await jobs.discardAll();
    await worker.close();
    await expect(workerChannels(jobSiteOf(layer))).resolves.toEqual(["jobs"]);
    await jobs.purge();
    expect(layerErrors.filter(({ error }) => !error.message.includes("can't be read"))).toEqual([]);
    expect(await server.command("ACL", "LOG")).toEqual([]);
  });
});

describe("workers on several hosts", () => {
  const mill = new Mill("redis+pubsub", 3);

  test("find each channel's jobs on the host that its name gives", async () => {
    const channels = Array.from({ length: 12 }, (_, number) => `channel.${number}`);
    await mill.worker(
      working(() => {}, channels),
      { channels },
    );
    const layer = mill.layer();
    for (const channel of channels) await layer.send(channel, job(1));
    await until(() => done.length === channels.length);
    const counts: number[] = [];
    for (const server of mill.servers) {
      counts.push(((await server.command("KEYS", `${mill.prefix}*{*}`)) as string[]).length);
    }
    expect(counts.reduce((sum, count) => sum + count)).toBe(channels.length);
    expect(counts.every((count) => count > 0)).toBe(true);
  });
});

/** The rights that a guide says that somebody needs. */
function rightsIn(document: string, who: string): readonly string[] {
  const row = tableUnder(document, "Rights in Redis").find(([name]) => name?.includes(who));
  return (row?.[1] ?? "").replaceAll("`", "").replaceAll("\\|", "|").split(" ");
}
