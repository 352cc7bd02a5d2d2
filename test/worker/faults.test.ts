import { describe, expect, test } from "@jest/globals";
import { type LayerMessage, ProtocolTypeRouter, ChannelNameRouter, Consumer } from "millrace";
import { RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { JobQueue, runWorker } from "millrace/worker";
import { gate } from "../support/gate.ts";
import { heard } from "../support/heard.ts";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { job, type LayerKind, layerKinds, Mill, until, working } from "./mill.ts";

noUnhandledRejections();
const done = heard("millrace:job:done");
const unsettled = heard("millrace:job:unsettled");
const degraded = heard("millrace:worker:degraded");
const recovered = heard("millrace:worker:recovered");
const stopped = heard("millrace:worker:stopped");
const layerErrors = heard("millrace:layer:error");

function layerOn(kind: LayerKind, url: string): RedisChannelLayer | RedisPubSubChannelLayer {
  const options = { hosts: [url], probeInterval: 0.2, probeTimeout: 1, offlineTimeout: 0.5 };
  return kind === "redis+core" ? new RedisChannelLayer(options) : new RedisPubSubChannelLayer(options);
}

describe.each(layerKinds)("a worker on %s whose Redis fails", (kind) => {
  test("goes on with what was kept when Redis is back, and ends what it ran meanwhile", async () => {
    await using server = await RedisServer.start({ config: ["appendonly yes", "appendfsync always"] });
    await using layer = layerOn(kind, server.url);
    const seen: unknown[] = [];
    const open = gate();
    const work = async ({ number }: LayerMessage): Promise<void> => {
      seen.push(number);
      if (number === 1) await open.promise;
    };
    await using worker = await runWorker(working(work), { layers: { default: layer }, channels: ["jobs"] });
    await layer.send("jobs", job(1));
    await layer.send("jobs", job(2));
    await until(() => seen.length === 1);
    await server.kill();
    await until(() => degraded.length === 1);
    open.open();
    await server.start();
    await until(() => done.length === 2);
    expect(seen).toEqual([1, 2]);
    expect(done.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(unsettled).toEqual([]);
    await until(() => recovered.length === 1);
    expect(recovered[0]?.since).toBeLessThanOrEqual(degraded[0]?.since ?? 0);
    await using jobs = new JobQueue(layer, "jobs");
    await expect(jobs.count()).resolves.toMatchObject({ waiting: 0, running: 0 });
    expect(worker.running).toBe(0);
    expect(layerErrors).toEqual([]);
  });

  test("goes on with new jobs when Redis has lost its data", async () => {
    await using server = await RedisServer.start();
    await using layer = layerOn(kind, server.url);
    const seen: unknown[] = [];
    const open = gate();
    const work = async ({ number }: LayerMessage): Promise<void> => {
      seen.push(number);
      if (number === 1) await open.promise;
    };
    await using worker = await runWorker(working(work), { layers: { default: layer }, channels: ["jobs"] });
    await layer.send("jobs", job(1));
    await until(() => seen.length === 1);
    await server.kill();
    await server.start();
    open.open();
    await until(() => worker.running === 0);
    await using jobs = new JobQueue(layer, "jobs");
    await until(() => jobs.exists().catch(() => false));
    await layer.send("jobs", job(2));
    await until(() => seen.length === 2);
    expect(seen).toEqual([1, 2]);
  });

  test("gets a job that Redis had given to it when the answer was lost, before the lease is over", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using layer = layerOn(kind, server.url);
    await using behind = layerOn(kind, proxy.url);
    const seen: unknown[] = [];
    const layers = { default: behind };
    await using worker = await runWorker(
      working(({ number }) => seen.push(number)),
      {
        layers,
        channels: ["jobs"],
        lease: 3_600_000,
      },
    );
    for (let number = 0; number < 10; number++) {
      proxy.swallow("answers");
      await layer.send("jobs", job(number));
      await proxy.swallowed();
      proxy.cut();
      proxy.heal();
      await until(() => seen.length === number + 1);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await until(() => done.length === 10);
    expect(done.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(worker.running).toBe(0);
  });

  test("stops in time though Redis is away, and leaves its job to the lease", async () => {
    await using server = await RedisServer.start();
    await using layer = layerOn(kind, server.url);
    const open = gate();
    const worker = await runWorker(
      working(() => open.promise),
      {
        layers: { default: layer },
        channels: ["jobs"],
        shutdownTimeout: 300,
      },
    );
    await layer.send("jobs", job(1));
    await until(() => worker.running === 1);
    await server.kill();
    await until(() => degraded.length === 1);
    const began = performance.now();
    await worker.close();
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(stopped).toMatchObject([{ unfinished: 1 }]);
    expect(unsettled).toMatchObject([{ reason: "given back" }]);
    open.open();
  });
});

describe.each(layerKinds)("a worker on %s that is closed", (kind) => {
  const mill = new Mill(kind);

  test("lets its jobs end, takes no more, and leaves nothing in Redis but the channel's stream", async () => {
    const open = gate();
    const worker = await mill.worker(working(() => open.promise));
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await layer.send("jobs", job(2));
    await until(() => worker.running === 1);
    const closing = worker.close();
    await until(async () => (await mill.jobs().count()).running === 1);
    open.open();
    await closing;
    expect(done).toHaveLength(1);
    expect(stopped).toEqual([{ worker: worker.name, unfinished: 0 }]);
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 1, running: 0, retrying: 0 });
    const [stream = "", ...others] = await mill.keys();
    expect(others).toEqual([]);
    await expect(mill.server.command("XINFO", "CONSUMERS", stream, "workers")).resolves.toEqual([]);
    await expect(mill.server.command("KEYS", `${mill.prefix}*:bridge`)).resolves.toEqual([]);
    await until(async () => !String(await mill.server.command("CLIENT", "LIST")).includes("millrace-worker"));
  });

  test("gives back at once what does not end in time, and another runs it", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(() => open.promise),
      { shutdownTimeout: 50, lease: 3_600_000 },
    );
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await until(() => worker.running === 1);
    await worker.close();
    expect(stopped).toMatchObject([{ unfinished: 1 }]);
    expect(unsettled).toMatchObject([{ reason: "given back", attempt: 1 }]);
    const seen: unknown[] = [];
    await mill.worker(
      working(({ number }) => seen.push(number)),
      { lease: 3_600_000 },
    );
    await until(() => done.length === 1);
    expect(seen).toEqual([1]);
    expect(done[0]).toMatchObject({ attempt: 2 });
    open.open();
  });

  test("gives its jobs to others untouched that came while it stopped", async () => {
    const seen: number[] = [];
    const application = working(async ({ number }) => {
      seen.push(Number(number));
      await new Promise((resolve) => void setImmediate(resolve));
    });
    const layer = mill.layer();
    const last = await mill.worker(application, { lease: 3_600_000 });
    let sent = 0;
    for (let round = 0; round < 10; round++) {
      const worker = await mill.worker(application, { concurrency: 2, lease: 3_600_000 });
      const sending = Promise.all(Array.from({ length: 30 }, () => layer.send("jobs", job(sent++))));
      await Promise.all([sending, worker.close()]);
    }
    await until(() => seen.length >= 300);
    await until(() => done.length === 300);
    expect(new Set(seen).size).toBe(300);
    expect(seen).toHaveLength(300);
    expect(last.running).toBe(0);
  });

  test("holds nothing afterwards: no timer, no connection, no consumer", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "TCPSocketWrap");
    for (let round = 0; round < 5; round++) {
      const layer = kind === "redis+core" ? RedisChannelLayer : RedisPubSubChannelLayer;
      await using own = new layer({ hosts: [mill.server.url], prefix: "leak." });
      class Grouped extends Consumer {
        override groups = ["all"];
        job_run(): void {}
      }
      const application = ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Grouped }) });
      const worker = await runWorker(application, { layers: { default: own }, channels: ["jobs"], concurrency: 3 });
      const already = done.length;
      for (let number = 0; number < 10; number++) await own.send("jobs", job(number));
      await until(() => done.length === already + 10);
      await worker.close();
      expect(own.stats().channels).toBe(0);
      await using jobs = new JobQueue(own, "jobs");
      await jobs.purge();
    }
    const left = async (): Promise<readonly string[]> => (await mill.server.command("KEYS", "leak.*")) as string[];
    await until(async () => (await left()).length === 0);
    await until(() => {
      const now = process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name === "TCPSocketWrap");
      return now.length <= before.length + 1;
    });
    expect(await left()).toEqual([]);
  });
});
