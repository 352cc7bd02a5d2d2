import { describe, expect, test } from "@jest/globals";
import { gate } from "../support/gate.ts";
import { heard } from "../support/heard.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Django } from "./django.ts";
import { job, layerKinds, Mill, until, working } from "./mill.ts";

noUnhandledRejections();
const done = heard("millrace:job:done");
const aside = heard("millrace:job:aside");
const bridges = heard("millrace:worker:bridge");
const layerErrors = heard("millrace:layer:error");
const overCapacity = heard("millrace:layer:over-capacity");
const expired = heard("millrace:message:expired");

/** Settles when a worker moves what Python sends. */
async function bridged(): Promise<void> {
  await until(() => bridges.at(-1)?.held === true);
}

describe.each(layerKinds)("what Python sends on %s", (kind) => {
  const mill = new Mill(kind);

  test("is run by a worker, once, in the order in which it was sent", async () => {
    const seen: unknown[] = [];
    for (let count = 0; count < 3; count++)
      await mill.worker(
        working(({ number }) => seen.push(number)),
        { maxAttempts: 1 },
      );
    await bridged();
    await using django = new Django(kind, mill);
    for (let first = 0; first < 200; first += 50) {
      await django.sendMany(first, 50);
      await until(() => seen.length === first + 50);
    }
    expect(seen.toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 200 }, (_, number) => number),
    );
    await until(() => done.length === 200);
    expect(layerErrors).toEqual([]);
  });

  test("is mixed with what Millrace sends", async () => {
    const seen: unknown[] = [];
    await mill.worker(working((message) => seen.push(message["text"])));
    await bridged();
    await using django = new Django(kind, mill);
    const layer = mill.layer();
    await django.send('{"type": "job.run", "text": "水车 from Python", "bytes": b"\\x00", "big": 2 ** 63}');
    await layer.send("jobs", { type: "job.run", text: "from Millrace" });
    await until(() => done.length === 2);
    expect(new Set(seen)).toEqual(new Set(["from Millrace", "水车 from Python"]));
  });

  test("and can't be read is set aside, and so is what only the framework may send", async () => {
    await mill.worker(working(() => {}));
    await bridged();
    await using django = new Django(kind, mill);
    await django.send('{1: "an integer as a key", "type": "job.run"}');
    await django.send('{"no": "type"}');
    await django.send('{"type": "channel.disconnect"}');
    await django.send('{"type": "job.run"}');
    await until(() => aside.length === 3 && done.length === 1);
    expect(aside.map(({ reason }) => reason).toSorted()).toEqual(["reserved", "unreadable", "unreadable"]);
  });

  test("is moved by another worker when the one that moved it has stopped", async () => {
    const seen: unknown[] = [];
    const first = await mill.worker(working(({ number }) => seen.push(number)));
    await bridged();
    await mill.worker(working(({ number }) => seen.push(number)));
    await using django = new Django(kind, mill);
    await django.sendMany(0, 1);
    await until(() => seen.length === 1);
    await first.close();
    expect(bridges.at(-1)).toEqual({ channel: "jobs", held: false });
    await bridged();
    await django.sendMany(1, 1);
    await until(() => seen.length === 2);
    expect(seen).toEqual([0, 1]);
  });
});

describe("what Python publishes", () => {
  const mill = new Mill("redis+pubsub");

  test("over the capacity is counted and told, because Python is not", async () => {
    const open = gate();
    const worker = await mill.worker(
      working(() => open.promise),
      { layers: { default: mill.layer({ jobCapacity: 2 }) } },
    );
    await bridged();
    await using django = new Django("redis+pubsub", mill);
    await django.sendMany(0, 5);
    await until(() => overCapacity.length === 3);
    expect(overCapacity[0]).toEqual({ layer: "redis+pubsub", target: "jobs", type: "job.run", members: 1 });
    open.open();
    await until(() => done.length === 2 && worker.running === 0);
  });
});

describe("what Python queues", () => {
  const mill = new Mill("redis+core");

  test("before any worker has run is not lost", async () => {
    mill.layer();
    await using django = new Django("redis+core", mill);
    await django.sendMany(0, 30);
    const seen: unknown[] = [];
    await mill.worker(working(({ number }) => seen.push(number)));
    await until(() => seen.length === 30);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, number) => number));
  });

  test("waits while there is no room, and Python is refused in time", async () => {
    const open = gate();
    await mill.worker(
      working(() => open.promise),
      { layers: { default: mill.layer({ jobCapacity: 20 }) } },
    );
    await bridged();
    await using django = new Django("redis+core", mill);
    await django.sendMany(0, 50);
    const jobs = mill.jobs();
    await until(async () => {
      const { waiting, running } = await jobs.count();
      return waiting + running === 20;
    });
    const refusals: Array<string | undefined> = [];
    for (let number = 0; number < 100; number++) refusals.push(await django.send('{"type": "job.run"}'));
    expect(refusals).toContain("ChannelFull");
    open.open();
    await until(() => done.length === 50 + refusals.filter((refusal) => refusal === undefined).length);
    expect(overCapacity).toEqual([]);
  });

  test("is dropped and told when it is too old", async () => {
    const layers = { default: mill.layer({ expiry: 0.2 }) };
    await using django = new Django("redis+core", mill);
    await django.sendMany(0, 2);
    const late = Date.now() + 300;
    await until(() => Date.now() > late);
    await mill.worker(
      working(() => {}),
      { layers },
    );
    await until(() => expired.length === 2);
    expect(expired).toEqual([
      { channel: "jobs", type: "job.run" },
      { channel: "jobs", type: "job.run" },
    ]);
    await expect(mill.jobs().count()).resolves.toMatchObject({ waiting: 0, running: 0 });
    expect(done).toEqual([]);
  });
});

describe("what Python queues on several hosts", () => {
  const mill = new Mill("redis+core", 3);

  test("is moved from all of them, and what Millrace sends there is kept too", async () => {
    const seen: unknown[] = [];
    mill.layer();
    await using django = new Django("redis+core", mill);
    await django.sendMany(0, 30);
    const layer = mill.layer();
    for (let number = 30; number < 40; number++) await layer.send("jobs", job(number));
    await mill.worker(working(({ number }) => seen.push(number)));
    await until(() => seen.length === 40);
    for (let number = 40; number < 50; number++) await layer.send("jobs", job(number));
    await django.sendMany(50, 10);
    await until(() => seen.length === 60);
    expect(seen.toSorted((one, other) => Number(one) - Number(other))).toEqual(
      Array.from({ length: 60 }, (_, number) => number),
    );
  });
});
