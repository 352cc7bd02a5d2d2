import { describe, expect, test } from "@jest/globals";
import { InMemoryChannelLayer } from "millrace";
import { JobQueue } from "millrace/worker";
import { gate } from "../support/gate.ts";
import { heard } from "../support/heard.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { job, layerKinds, Mill, until, working } from "./mill.ts";

noUnhandledRejections();
const done = heard("millrace:job:done");
const aside = heard("millrace:job:aside");
const retried = heard("millrace:job:retried");

describe.each(layerKinds)("the jobs of a channel on %s", (kind) => {
  const mill = new Mill(kind);

  test("are listed by their states, the oldest first", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(async ({ number }) => {
        if (number === 0) throw new Error("aside");
        if (number === 1) throw new RangeError("again");
        await open.promise;
      }),
      { maxAttempts: 1 },
    );
    const layer = mill.layer();
    const jobs = mill.jobs();
    await layer.send("jobs", job(0));
    await until(() => aside.length === 1);
    await worker.close();
    await mill.worker(
      working(async ({ number }) => {
        if (number === 1) throw new RangeError("again");
        await open.promise;
      }),
      { retryDelay: 60_000, maxRetryDelay: 60_000 },
    );
    await layer.send("jobs", job(1));
    await until(() => retried.length === 1);
    for (const number of [2, 3, 4]) await layer.send("jobs", job(number));
    await until(async () => (await jobs.count()).running === 1);
    await expect(jobs.count()).resolves.toMatchObject({ waiting: 2, running: 1, retrying: 1, aside: 1 });
    const common = { id: expect.stringMatching(/^\d+-\d+$/), type: "job.run", bytes: expect.any(Number) };
    const list = (state: Parameters<JobQueue["list"]>[0]) => jobs.list(state);
    await expect(list("waiting")).resolves.toMatchObject([
      { ...common, state: "waiting", attempts: 0 },
      { ...common, state: "waiting", attempts: 0 },
    ]);
    await expect(list("running")).resolves.toMatchObject([{ ...common, attempts: 1, worker: expect.any(String) }]);
    const [retrying] = await list("retrying");
    expect(retrying).toMatchObject({ ...common, attempts: 1, error: "RangeError: again" });
    expect(retrying?.dueAt).toBeGreaterThan(Date.now() + 20_000);
    await expect(list("aside")).resolves.toMatchObject([{ ...common, attempts: 1, reason: "failed", error: "aside" }]);
    for (const state of ["waiting", "running", "retrying", "aside"] as const) {
      const [first] = await list(state);
      await expect(jobs.find(first?.id ?? "")).resolves.toMatchObject({ ...first, message: { type: "job.run" } });
    }
    await expect(jobs.list("waiting", 1)).resolves.toHaveLength(1);
    open.open();
    await until(() => done.length === 3);
  });

  test("run again when they are requeued, as new ones", async () => {
    let broken = true;
    const seen: unknown[] = [];
    await mill.worker(
      working(({ number }) => {
        if (broken) throw new Error("broken");
        seen.push(number);
      }),
      { maxAttempts: 1 },
    );
    const layer = mill.layer();
    const jobs = mill.jobs();
    for (let number = 0; number < 250; number++) await layer.send("jobs", job(number));
    await until(() => aside.length === 250);
    broken = false;
    const [first] = await jobs.list("aside", 1);
    await expect(jobs.requeue(first?.id ?? "")).resolves.toBe(true);
    await until(() => seen.length === 1);
    expect(seen).toEqual([0]);
    await expect(jobs.requeue(first?.id ?? "")).resolves.toBe(false);
    await expect(jobs.requeueAll()).resolves.toBe(249);
    await until(() => done.length === 250);
    expect(done.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(seen).toEqual(Array.from({ length: 250 }, (_, number) => number));
    await expect(jobs.count()).resolves.toMatchObject({ aside: 0, waiting: 0 });
  });

  test("go when they are discarded, but for those that run", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(async ({ number }) => {
        if (Number(number) < 3) throw new Error("aside");
        await open.promise;
      }),
      { maxAttempts: 1 },
    );
    const layer = mill.layer();
    const jobs = mill.jobs();
    for (let number = 0; number < 5; number++) await layer.send("jobs", job(number));
    await until(() => aside.length === 3 && worker.running === 1);
    const [waiting] = await jobs.list("waiting");
    const [running] = await jobs.list("running");
    const [kept] = await jobs.list("aside");
    await expect(jobs.discard(waiting?.id ?? "")).resolves.toBe(true);
    await expect(jobs.discard(running?.id ?? "")).resolves.toBe(false);
    await expect(jobs.discard(kept?.id ?? "")).resolves.toBe(true);
    await expect(jobs.discardAll()).resolves.toBe(2);
    await expect(jobs.count()).resolves.toMatchObject({ waiting: 0, running: 1, aside: 0 });
    open.open();
    await until(() => done.length === 1);
    const [stream = ""] = await mill.keys();
    await until(async () => (await mill.keys()).length === 1);
    expect(stream).toMatch(/:worker:\{jobs\}$/);
  });

  test("all go with a purge, and so do the keys; a send is then as if there had been no worker", async () => {
    const worker = await mill.worker(
      working(() => Promise.reject(new Error("aside"))),
      { maxAttempts: 1 },
    );
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await until(() => aside.length === 1);
    await worker.close();
    await layer.send("jobs", job(2));
    const jobs = mill.jobs();
    await expect(jobs.exists()).resolves.toBe(true);
    await expect(jobs.purge()).resolves.toBe(2);
    await expect(mill.keys()).resolves.toEqual([]);
    await expect(jobs.exists()).resolves.toBe(false);
    const sent = layer.send("jobs", job(3));
    if (kind === "redis+core") await sent;
    else await expect(sent).rejects.toMatchObject({ code: "ERR_CHANNEL_CLOSED" });
    await expect(jobs.count()).resolves.toMatchObject({ waiting: 0 });
  });

  test("may be purged while a worker runs, which goes on with what is sent afterwards", async () => {
    const open = gate();
    const worker = await mill.worker(working(() => open.promise));
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await until(() => worker.running === 1);
    await expect(mill.jobs().purge()).resolves.toBe(1);
    open.open();
    await until(async () => (await mill.jobs().exists()) && worker.running === 0);
    await layer.send("jobs", job(2));
    await until(() => done.length === 2);
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 0, running: 0 });
  });

  test("may be purged while one runs that then fails, and nothing of it comes back", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(async () => {
        await open.promise;
        throw new Error("too late");
      }),
      { maxAttempts: 1 },
    );
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await until(() => worker.running === 1);
    await expect(mill.jobs().purge()).resolves.toBe(1);
    open.open();
    await until(() => worker.running === 0);
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 0, running: 0, aside: 0 });
    expect(aside).toEqual([]);
  });

  test("are none on a channel that no worker has served", async () => {
    const jobs = mill.jobs("never");
    await expect(jobs.count()).resolves.toEqual({ waiting: 0, running: 0, retrying: 0, aside: 0, oldest: 0 });
    for (const state of ["waiting", "running", "retrying", "aside"] as const) {
      await expect(jobs.list(state)).resolves.toEqual([]);
    }
    await expect(jobs.find("1-1")).resolves.toBeUndefined();
    await expect(jobs.purge()).resolves.toBe(0);
    await expect(mill.keys()).resolves.toEqual([]);
  });

  test("are refused by wrong ids, names, limits and layers", async () => {
    const jobs = mill.jobs();
    await expect(jobs.find("x")).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
    await expect(jobs.requeue("1")).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
    await expect(jobs.list("aside", 0)).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
    expect(() => mill.jobs("a!b")).toThrow(expect.objectContaining({ code: "ERR_INVALID_NAME" }));
    await using memory = new InMemoryChannelLayer();
    expect(() => new JobQueue(memory, "jobs")).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
  });
});
