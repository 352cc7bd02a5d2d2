import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { WorkerOptions } from "millrace/worker";
import { heard } from "../support/heard.ts";
import { Django } from "./django.ts";
import { job, type LayerKind, layerKinds, Mill, until, working } from "./mill.ts";

const done = heard("millrace:job:done");
const aside = heard("millrace:job:aside");
const bridges = heard("millrace:worker:bridge");

interface Told {
  readonly event: string;
  readonly number?: number;
  readonly attempt?: number;
  readonly reason?: string;
}

const processes: WorkerProcess[] = [];
afterEach(async () => {
  for (const worker of processes.splice(0)) await worker.kill();
});

/** A worker in a process of its own. */
class WorkerProcess {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;

  constructor(kind: LayerKind, mill: Mill, options: Partial<WorkerOptions>) {
    const program = fileURLToPath(new URL("worker-process.mjs", import.meta.url));
    const words = [kind, mill.server.url, mill.prefix, JSON.stringify({ retryDelay: 10, ...options })];
    this.#child = fork(program, words, { execArgv: [] });
    this.#child.on("message", (told: Told) => this.told.push(told));
    processes.push(this);
  }

  async tells(event: string): Promise<Told> {
    await until(() => this.told.some((told) => told.event === event));
    return this.told.findLast((told) => told.event === event) ?? { event };
  }

  /** Lets the job that it runs end. */
  go(): void {
    this.#child.send("go");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

describe.each(layerKinds)("when a worker on %s dies", (kind) => {
  const mill = new Mill(kind);

  test("another has its job after the lease, and the job is done once", async () => {
    const layer = mill.layer();
    const lease = 2000;
    const dead = new WorkerProcess(kind, mill, { lease });
    await dead.tells("started");
    await layer.send("jobs", job(1));
    await dead.tells("began");
    const seen: unknown[] = [];
    await mill.worker(
      working(({ number }) => seen.push(number)),
      { lease },
    );
    // While it lives it keeps its job, however long that takes.
    const late = Date.now() + 1.5 * lease;
    await until(() => Date.now() > late);
    expect(seen).toEqual([]);
    await dead.kill();
    await until(() => done.length === 1);
    expect(seen).toEqual([1]);
    expect(done[0]).toMatchObject({ attempt: 2 });
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 0, running: 0, aside: 0 });
  });

  test("a job that kills its workers is set aside after as many as may be", async () => {
    const layer = mill.layer();
    const options = { lease: 300, maxAttempts: 2 };
    for (let count = 0; count < 2; count++) {
      const dead = new WorkerProcess(kind, mill, options);
      await dead.tells("started");
      if (count === 0) await layer.send("jobs", job(1));
      await dead.tells("began");
      await dead.kill();
    }
    const seen: unknown[] = [];
    await mill.worker(
      working(({ number }) => seen.push(number)),
      options,
    );
    await until(() => aside.length === 1);
    expect(aside).toMatchObject([
      { attempts: 2, reason: "lost", error: { message: expect.stringContaining("2 times") } },
    ]);
    expect(seen).toEqual([]);
    await expect(mill.jobs().list("aside")).resolves.toMatchObject([{ type: "job.run", reason: "lost" }]);
  });

  test("and only stands still, it can't end a job that another has by now", async () => {
    const layer = mill.layer();
    const frozen = new WorkerProcess(kind, mill, { lease: 2000 });
    await frozen.tells("started");
    await layer.send("jobs", job(1));
    await frozen.tells("began");
    frozen.signal("SIGSTOP");
    let other = 0;
    let end = (): void => {};
    await mill.worker(
      working(async () => {
        other++;
        await new Promise<void>((resolve) => (end = resolve));
      }),
      { lease: 2000 },
    );
    await until(() => other === 1);
    frozen.signal("SIGCONT");
    frozen.go();
    await expect(frozen.tells("millrace:job:unsettled")).resolves.toMatchObject({ reason: "taken over", attempt: 1 });
    await frozen.tells("ended");
    await expect(mill.jobs().count()).resolves.toMatchObject({ running: 1 });
    end();
    await until(() => done.length === 1);
    expect(other).toBe(1);
    expect(frozen.told.filter(({ event }) => event === "millrace:job:done")).toEqual([]);
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 0, running: 0, retrying: 0, aside: 0 });
  });

  test("and lives again, it takes jobs as before", async () => {
    const layer = mill.layer();
    const frozen = new WorkerProcess(kind, mill, { lease: 300 });
    await frozen.tells("started");
    frozen.signal("SIGSTOP");
    await layer.send("jobs", job(7));
    frozen.signal("SIGCONT");
    await frozen.tells("began");
    frozen.go();
    await expect(frozen.tells("millrace:job:done")).resolves.toMatchObject({ attempt: 1 });
  });
});

describe("when the worker dies that moves what Python publishes", () => {
  const mill = new Mill("redis+pubsub");

  test("another moves it, once its right is over", async () => {
    mill.layer();
    const dead = new WorkerProcess("redis+pubsub", mill, {});
    await dead.tells("started");
    await until(async () => (await holder()) !== null);
    const before = await holder();
    const seen: unknown[] = [];
    await mill.worker(working(({ number }) => seen.push(number)));
    await dead.kill();
    await until(async () => ![null, before].includes(await holder()));
    await until(() => bridges.at(-1)?.held === true);
    await using django = new Django("redis+pubsub", mill);
    await django.sendMany(0, 10);
    await until(() => done.length === 10);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("or only stands still, what it finds when it goes on is not moved twice", async () => {
    mill.layer();
    const frozen = new WorkerProcess("redis+pubsub", mill, { concurrency: 100 });
    await frozen.tells("started");
    await until(async () => (await holder()) !== null);
    frozen.signal("SIGSTOP");
    const seen: unknown[] = [];
    await mill.worker(working(({ number }) => seen.push(number)));
    await until(() => bridges.at(-1)?.held === true);
    await using django = new Django("redis+pubsub", mill);
    await django.sendMany(0, 10);
    await until(() => done.length === 10);
    frozen.signal("SIGCONT");
    // It answers when it has gone through what it found: the first thing that it does with Redis is to move that.
    await django.sendMany(10, 10);
    await until(() => done.length + frozen.told.filter(({ event }) => event === "began").length === 20);
    const late = Date.now() + 1500;
    await until(() => Date.now() > late);
    const elsewhere = frozen.told.flatMap(({ event, number }) => (event === "began" ? [number] : []));
    expect([...seen, ...elsewhere].map(Number).toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 20 }, (_, number) => number),
    );
  });

  async function holder(): Promise<unknown> {
    return mill.server.command("GET", `${mill.prefix}:worker:{jobs}:bridge`);
  }
});
