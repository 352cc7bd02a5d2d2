import { describe, expect, test } from "@jest/globals";
import {
  ChannelNameRouter,
  Consumer,
  InMemoryChannelLayer,
  type LayerMessage,
  lifespan,
  ProtocolTypeRouter,
  StopConsumer,
} from "millrace";
import { currentJob, type CurrentJob, runWorker } from "millrace/worker";
import { gate } from "../support/gate.ts";
import { heard } from "../support/heard.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { job, layerKinds, Mill, until, working } from "./mill.ts";

noUnhandledRejections();
const done = heard("millrace:job:done");
const retried = heard("millrace:job:retried");
const aside = heard("millrace:job:aside");
const failures = heard("millrace:application:error");
const layerErrors = heard("millrace:layer:error");
const overCapacity = heard("millrace:layer:over-capacity");
const backlogs = heard("millrace:worker:backlog");

describe.each(layerKinds)("a worker on %s", (kind) => {
  const mill = new Mill(kind);

  test("runs what is sent to its channel, once, and leaves nothing of it", async () => {
    const seen: LayerMessage[] = [];
    await mill.worker(working((message) => seen.push(message)));
    await mill.layer().send("jobs", { type: "job.run", text: "水车", bytes: new Uint8Array([1, 2]), big: 2n ** 63n });
    await until(() => done.length === 1);
    expect(seen).toEqual([{ type: "job.run", text: "水车", bytes: new Uint8Array([1, 2]), big: 2n ** 63n }]);
    expect(done).toEqual([
      { channel: "jobs", id: expect.any(String), type: "job.run", attempt: 1, milliseconds: expect.any(Number) },
    ]);
    await expect(mill.jobs().count()).resolves.toEqual({ waiting: 0, running: 0, retrying: 0, aside: 0, oldest: 0 });
    expect(layerErrors).toEqual([]);
  });

  test("gets what was sent while no worker ran, once one has run", async () => {
    const worker = await mill.worker(working(() => {}));
    await worker.close();
    const layer = mill.layer();
    for (let number = 0; number < 20; number++) await layer.send("jobs", job(number));
    const seen: unknown[] = [];
    await mill.worker(working(({ number }) => seen.push(number)));
    await until(() => seen.length === 20);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, number) => number));
  });

  test("gets what was sent before any worker ran to a channel that is declared", async () => {
    await mill.layer({ workerChannels: ["jobs"] }).send("jobs", job(1));
    const seen: unknown[] = [];
    await mill.worker(working(({ number }) => seen.push(number)));
    await until(() => seen.length === 1);
    expect(seen).toEqual([1]);
  });

  test("runs one job of a channel at a time, in the order in which they were sent", async () => {
    const seen: unknown[] = [];
    let at = 0;
    let most = 0;
    await mill.worker(
      working(async ({ number }) => {
        most = Math.max(most, ++at);
        await new Promise((resolve) => void setImmediate(resolve));
        at--;
        seen.push(number);
      }),
    );
    const layer = mill.layer();
    await Promise.all(Array.from({ length: 50 }, (_, number) => layer.send("jobs", job(number))));
    await until(() => seen.length === 50);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(most).toBe(1);
  });

  test("runs as many at once as it is told, each in an application of its own", async () => {
    const applications = new Set<object>();
    const open = gate();
    let running = 0;
    class Slow extends Consumer {
      async job_run(): Promise<void> {
        applications.add(this);
        running++;
        await open.promise;
      }
    }
    const worker = await mill.worker(ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Slow }) }), {
      concurrency: 3,
    });
    const layer = mill.layer();
    for (let number = 0; number < 5; number++) await layer.send("jobs", job(number));
    await until(() => running === 3);
    expect(worker.running).toBe(3);
    await expect(mill.jobs().count()).resolves.toMatchObject({ running: 3, waiting: 2 });
    open.open();
    await until(() => done.length === 5);
    expect(applications.size).toBe(3);
  });

  test("lets no channel wait for another", async () => {
    const open = gate();
    const seen: string[] = [];
    class Slow extends Consumer {
      job_run(): Promise<void> {
        return open.promise;
      }
    }
    class Quick extends Consumer {
      job_run(): void {
        seen.push("quick");
      }
    }
    await mill.worker(ProtocolTypeRouter({ channel: ChannelNameRouter({ slow: Slow, quick: Quick }) }), {
      channels: ["slow", "quick"],
    });
    const layer = mill.layer();
    await layer.send("slow", job(1));
    await layer.send("slow", job(2));
    await layer.send("quick", job(3));
    await until(() => seen.length === 1);
    open.open();
    await until(() => done.length === 3);
    expect(done[0]).toMatchObject({ channel: "quick" });
  });

  test("shares jobs with another worker: each runs once", async () => {
    const seen: unknown[] = [];
    const workers = new Set<number>();
    for (const number of [1, 2]) {
      await mill.worker(
        working(async (message) => {
          workers.add(number);
          await new Promise((resolve) => void setImmediate(resolve));
          seen.push(message["number"]);
        }),
        { concurrency: 2 },
      );
    }
    const layer = mill.layer();
    await Promise.all(Array.from({ length: 300 }, (_, number) => layer.send("jobs", job(number))));
    await until(() => done.length >= 300);
    expect(seen.toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 300 }, (_, number) => number),
    );
    expect(workers.size).toBe(2);
  });

  test("tries a job again that failed, in a new application, and tells of it", async () => {
    const applications: object[] = [];
    class Twice extends Consumer {
      job_run(): void {
        applications.push(this);
        if (applications.length < 3) throw new Error(`no ${applications.length}`);
      }
    }
    await mill.worker(ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Twice }) }));
    await mill.layer().send("jobs", job(1));
    await until(() => done.length === 1);
    expect(new Set(applications).size).toBe(3);
    expect(done[0]).toMatchObject({ attempt: 3 });
    expect(retried.map(({ attempt, error }) => [attempt, error.message])).toEqual([
      [1, "no 1"],
      [2, "no 2"],
    ]);
    expect(failures).toHaveLength(2);
  });

  test("sets a job aside that failed as often as it may, and goes on with others", async () => {
    await mill.worker(
      working(({ number }) => {
        if (number === 1) throw new TypeError("never");
      }),
      { maxAttempts: 3 },
    );
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await layer.send("jobs", job(2));
    await until(() => aside.length === 1 && done.length === 1);
    expect(aside).toMatchObject([{ channel: "jobs", attempts: 3, reason: "failed", error: { message: "never" } }]);
    const [kept] = await mill.jobs().list("aside");
    expect(kept).toMatchObject({ type: "job.run", attempts: 3, reason: "failed", error: "TypeError: never" });
  });

  test.each([
    ["of no handler", { type: "job.ran" }, "unhandled", 'did you mean "job_run"?'],
    ["that only the framework may send", { type: "channel.disconnect" }, "reserved", "framework"],
    ["of a layer's event", { type: "layer.degraded" }, "reserved", "framework"],
  ])("sets a message aside at once that is %s", async (_what, message, reason, error) => {
    await mill.worker(working(() => {}));
    const layer = mill.layer();
    await layer.send("jobs", message);
    await layer.send("jobs", job(1));
    await until(() => aside.length === 1 && done.length === 1);
    expect(aside).toMatchObject([{ attempts: 1, reason, error: { message: expect.stringContaining(error) } }]);
  });

  test("sets a body aside that it can't read, and goes on", async () => {
    await mill.worker(working(() => {}));
    const layer = mill.layer();
    const [key = ""] = await mill.keys();
    for (const body of ["", "\u0081", "rubbish", "\u0000".repeat(40)])
      await mill.server.command("XADD", key, "*", "m", body);
    await layer.send("jobs", job(1));
    await until(() => aside.length === 4 && done.length === 1);
    expect(aside.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => "unreadable"));
    const [kept] = await mill.jobs().list("aside");
    expect(kept).toMatchObject({ type: undefined, error: expect.stringContaining("can't be read") });
  });

  test("goes on in a new application after one has stopped itself", async () => {
    const seen: unknown[] = [];
    class Once extends Consumer {
      job_run({ number }: { number: number }): void {
        seen.push(number);
        throw new StopConsumer();
      }
    }
    await mill.worker(ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Once }) }));
    const layer = mill.layer();
    for (let number = 0; number < 5; number++) await layer.send("jobs", job(number));
    await until(() => done.length === 5);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(done.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
  });

  test("tells a handler which job it works on", async () => {
    const jobs: Array<CurrentJob | undefined> = [];
    await mill.worker(
      working(async () => {
        await new Promise((resolve) => void setImmediate(resolve));
        jobs.push(currentJob());
        if (jobs.length === 1) throw new Error("again");
      }),
    );
    await mill.layer().send("jobs", job(1));
    await until(() => done.length === 1);
    expect(jobs).toMatchObject([
      { channel: "jobs", id: done[0]?.id, attempt: 1, maxAttempts: 5 },
      { channel: "jobs", id: done[0]?.id, attempt: 2, maxAttempts: 5 },
    ]);
    expect(jobs[0]?.sentAt).toBe(Number.parseInt(done[0]?.id ?? "", 10));
    expect(currentJob()).toBeUndefined();
  });

  test("lets its consumers send to groups, and be reached by their own names", async () => {
    const names: string[] = [];
    const heardThere: unknown[] = [];
    class Talker extends Consumer {
      override groups = ["all"];
      async job_run(): Promise<void> {
        names.push(this.channelName);
        await this.channelLayer.groupSend("all", { type: "said.it", number: 1 });
      }
      said_it({ number }: { number: number }): void {
        heardThere.push(number);
      }
    }
    await mill.worker(ProtocolTypeRouter({ channel: ChannelNameRouter({ jobs: Talker }) }));
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await until(() => heardThere.length === 1);
    await layer.send(names[0] ?? "", { type: "said.it", number: 2 });
    await until(() => heardThere.length === 2);
    expect(heardThere).toEqual([1, 2]);
  });

  test("refuses a send over the capacity, which counts those that run or were set aside", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(async ({ number }) => {
        if (number === 0) throw new Error("aside");
        await open.promise;
      }),
      { maxAttempts: 1 },
    );
    const layer = mill.layer({ jobCapacity: 3 });
    await layer.send("jobs", job(0));
    await until(() => aside.length === 1);
    await layer.send("jobs", job(1));
    await until(() => worker.running === 1);
    await layer.send("jobs", job(2));
    await expect(layer.send("jobs", job(3))).rejects.toMatchObject({ code: "ERR_CHANNEL_FULL" });
    expect(overCapacity).toEqual([{ layer: kind, target: "jobs", type: "job.run", members: 1 }]);
    open.open();
    await until(() => done.length === 2);
    await layer.send("jobs", job(3));
  });

  test("tells its backlog at intervals", async () => {
    const open = gate();
    await mill.worker(
      working(() => open.promise),
      { backlogInterval: 100 },
    );
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await layer.send("jobs", job(2));
    await until(() => backlogs.some(({ running, waiting, oldest }) => running === 1 && waiting === 1 && oldest > 100));
    open.open();
    await until(() => done.length === 2);
    expect(backlogs[0]).toMatchObject({ channel: "jobs", retrying: 0, aside: 0 });
  });

  test("runs the application's hooks around its work", async () => {
    const events: string[] = [];
    class Noting extends Consumer {
      job_run(): void {
        events.push("job");
      }
      override channel_disconnect(): void {
        events.push("end");
      }
    }
    const application = ProtocolTypeRouter({
      channel: ChannelNameRouter({ jobs: Noting }),
      lifespan: lifespan({
        startup: ({ layers }) => void events.push(layers.has("default") ? "startup" : "no layer"),
        shutdown: () => void events.push("shutdown"),
      }),
    });
    const worker = await mill.worker(application);
    await mill.layer().send("jobs", job(1));
    await until(() => done.length === 1);
    await worker.close();
    expect(events).toEqual(["startup", "job", "end", "shutdown"]);
  });

  test("is asked for by sends to named channels alone, and in their one round trip", async () => {
    const layer = mill.layer();
    const channel = await layer.newChannel(() => {});
    await layer.groupAdd("room", channel.name);
    await mill.worker(working(() => {}));
    const looks = async (): Promise<number> => {
      const [, calls = "0"] =
        /cmdstat_exists:calls=(\d+)/.exec(String(await mill.server.command("INFO", "commandstats"))) ?? [];
      return Number(calls);
    };
    const before = await looks();
    for (let number = 0; number < 10; number++) {
      await layer.groupSend("room", job(number));
      await layer.send(channel.name, job(number));
    }
    expect(await looks()).toBe(before);
    await layer.send("jobs", job(1));
    expect(await looks()).toBe(before + 1);
    await until(() => done.length === 1);
  });

  test("keeps jobs when the layer is flushed", async () => {
    const worker = await mill.worker(working(() => {}));
    await worker.close();
    const layer = mill.layer();
    await layer.send("jobs", job(1));
    await layer.flush();
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 1 });
  });
});

describe("a worker does not start", () => {
  const mill = new Mill("redis+pubsub");

  test("on a layer in memory, and says why", async () => {
    await using layer = new InMemoryChannelLayer();
    await expect(
      runWorker(
        working(() => {}),
        { layers: { default: layer }, channels: ["jobs"] },
      ),
    ).rejects.toMatchObject({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("stay in the process") });
  });

  test("for a channel that the application does not know", async () => {
    await expect(
      mill.worker(
        working(() => {}),
        { channels: ["job"] },
      ),
    ).rejects.toMatchObject({
      code: "ERR_NO_ROUTE",
      message: expect.stringContaining('did you mean "jobs"?'),
    });
  });

  test("for an application without channels", async () => {
    await expect(mill.worker(ProtocolTypeRouter({}))).rejects.toMatchObject({ code: "ERR_NO_ROUTE" });
  });

  test("when the start-up hook fails", async () => {
    const application = ProtocolTypeRouter({
      channel: ChannelNameRouter({ jobs: Consumer }),
      lifespan: lifespan({ startup: () => Promise.reject(new Error("not today")) }),
    });
    await expect(mill.worker(application)).rejects.toMatchObject({ code: "ERR_STARTUP_FAILED" });
  });

  test("when Redis is not there", async () => {
    const layers = { default: mill.layer({ hosts: ["redis://127.0.0.1:1"] }) };
    await expect(
      mill.worker(
        working(() => {}),
        { layers },
      ),
    ).rejects.toMatchObject({ code: "ERR_LAYER_UNAVAILABLE" });
  });

  test.each([
    [{ channels: [] }, "ERR_INVALID_OPTION"],
    [{ channels: ["a b"] }, "ERR_INVALID_NAME"],
    [{ channels: ["asgispecific.0123456789abcdef0123456789abcdef"] }, "ERR_INVALID_NAME"],
    [{ channels: ["specific.x!y"] }, "ERR_INVALID_NAME"],
    [{ concurrency: 0 }, "ERR_INVALID_OPTION"],
    [{ maxAttempts: 1.5 }, "ERR_INVALID_OPTION"],
    [{ lease: 1 }, "ERR_INVALID_OPTION"],
    [{ shutdownTimeout: -1 }, "ERR_INVALID_OPTION"],
    [{ concurency: 3 }, "ERR_INVALID_OPTION"],
  ])("with the options %j", async (options, code) => {
    await expect(
      mill.worker(
        working(() => {}),
        options as object,
      ),
    ).rejects.toMatchObject({ code });
  });
});
