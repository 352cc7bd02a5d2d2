import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { JobQueue, runWorker } from "millrace/worker";
import { heard } from "../support/heard.ts";
import { RedisClusterServers } from "../support/redis-cluster.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { job, Mill, until, working } from "./mill.ts";

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
