import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { RedisChannelLayer, type RedisChannelLayerOptions } from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { Received } from "./received.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

let made = 0;
const prefixes = (): string => `case${made++}.`;

function layerOf(prefix: string, options: RedisChannelLayerOptions = {}): RedisChannelLayer {
  return new RedisChannelLayer({ hosts: [server.url], prefix, ...options });
}

async function member(layer: RedisChannelLayer, ...groups: readonly string[]): Promise<Received & { name: string }> {
  const inbox = new Received();
  const { name } = await layer.newChannel(inbox.subscriber);
  for (const group of groups) await layer.groupAdd(group, name);
  return Object.assign(inbox, { name });
}

/** All keys that begin so, but for those by which readers are woken. */
async function keysOf(prefix: string): Promise<readonly string[]> {
  const keys = (await server.command("KEYS", `${prefix}*`)) as readonly string[];
  return keys.filter((key) => !key.includes(".wake.")).toSorted();
}

/** Tries again until it is so; the test's own time limit bounds the wait. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => void setImmediate(resolve));
}

const overCapacity = heard("millrace:layer:over-capacity");
const errors = heard("millrace:layer:error");
const expired = heard("millrace:message:expired");
const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");

/** A channel of a process that is not there, so that what is sent to it waits. */
const absent = `specific.${"0".repeat(32)}!somebody`;

describe("RedisChannelLayer in Redis", () => {
  test("keeps a group under Python's key, with the default prefix and with another", async () => {
    await using layer = new RedisChannelLayer({ hosts: [`${server.url}/1`] });
    await layer.groupAdd("room", absent);
    await using other = layerOf("mine");
    await other.groupAdd("room", absent);
    expect(await server.command("EXISTS", "mine:group:room")).toBe(1);
    await using onOne = new RedisChannelLayer({ hosts: [`${server.url}/1`], prefix: "asgi" });
    expect(await onOne.groupSend("room", { type: "a.b" })).toMatchObject({ processes: 1 });
  });

  test("lets a process be one member of a group, however many channels it has there", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix);
    for (let count = 0; count < 20; count++) await member(layer, "room");
    const members = (await server.command("ZRANGE", `${prefix}:group:room`, 0, -1)) as readonly string[];
    expect(members).toEqual([expect.stringMatching(/^specific\.[0-9a-f]{32}!g\.[0-9a-z]+$/)]);
  });

  test("gives what waits on one queue scores that strictly increase, in the order sent", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix);
    const sent = Array.from({ length: 90 }, (_, number) => layer.send("jobs", { type: "job.run", number }));
    await Promise.all(sent);
    const scored = (await server.command("ZRANGE", `${prefix}jobs`, 0, -1, "WITHSCORES")) as readonly unknown[];
    const scores = scored
      .flat()
      .filter((_, index) => index % 2 === 1)
      .map(Number);
    expect(scores).toHaveLength(90);
    expect(scores.every((score, index) => index === 0 || score > (scores[index - 1] ?? 0))).toBe(true);
    const inbox = new Received();
    await layer.subscribe("jobs", inbox.subscriber);
    expect((await inbox.take(90)).map(({ number }) => number)).toEqual(Array.from(sent.keys()));
  });

  test("counts the processes whose queue is full: one of two is over capacity, and the other gets the message", async () => {
    await using layer = layerOf(prefixes(), { capacity: 3 });
    const well = await member(layer, "room");
    await layer.groupAdd("room", absent);
    for (let number = 0; number < 3; number++) {
      expect(await layer.groupSend("room", { type: "a.b", number })).toMatchObject({ processes: 2, overCapacity: 0 });
      await well.next();
    }
    const report = await layer.groupSend("room", { type: "a.b", number: 3 });
    expect(report).toEqual({ processes: 1, delivered: undefined, overCapacity: 1 });
    expect(await well.next()).toEqual({ type: "a.b", number: 3 });
    expect(overCapacity).toEqual([{ layer: "redis+core", target: "room", type: "a.b", members: 1 }]);
  });

  test("tells of what nobody took in time, and leaves no queue behind", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix, { expiry: 0.2 });
    await layer.send(absent, { type: "too.late" });
    await until(async () => expired.length === 1 && (await keysOf(prefix)).length === 0);
    expect(expired).toEqual([{ channel: absent, type: "too.late" }]);
    expect(layer.stats().queues).toBe(0);
  });

  test("drops what is for a channel that is gone, and tells", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix);
    const gone = await layer.newChannel(() => {});
    const stays = await member(layer);
    await gone.close();
    await using other = layerOf(prefix);
    await other.send(gone.name, { type: "a.b" });
    await other.send(stays.name, { type: "c.d" });
    expect(await stays.next()).toEqual({ type: "c.d" });
    expect(errors.map(({ error }) => error)).toEqual([expect.objectContaining({ code: "ERR_CHANNEL_CLOSED" })]);
  });

  test("survives a body that can't be read, and tells", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix);
    const inbox = await member(layer);
    const queue = prefix + inbox.name.slice(0, inbox.name.indexOf("!") + 1);
    await server.command("ZADD", queue, Date.now() / 1000, "nonsense");
    await until(async () => errors.length === 1);
    await layer.send(inbox.name, { type: "a.b" });
    expect(await inbox.next()).toEqual({ type: "a.b" });
    expect(errors[0]?.error).toMatchObject({ code: "ERR_INVALID_MESSAGE" });
  });

  test("leaves nothing when it is closed, nor after 10,000 joins and leaves", async () => {
    const prefix = prefixes();
    const layer = layerOf(prefix);
    const names = await Promise.all(Array.from({ length: 50 }, async () => (await layer.newChannel(() => {})).name));
    for (let round = 0; round < 200; round++) {
      await Promise.all(names.map((name, index) => layer.groupAdd(`room.${index % 7}`, name)));
      await Promise.all(names.map((name, index) => layer.groupDiscard(`room.${index % 7}`, name)));
    }
    expect(await keysOf(prefix)).toEqual([]);
    expect(layer.stats()).toEqual({ channels: 50, memberships: 0, waiting: 0, queues: 0 });
    await layer.groupAdd("room", names[0] ?? "");
    await layer.close();
    expect(await server.command("KEYS", `${prefix}*`)).toEqual([]);
    expect(layer.stats()).toEqual({ channels: 0, memberships: 0, waiting: 0, queues: 0 });
  });

  test("lets the membership of a process that was killed go within the lease", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix);
    const source = fileURLToPath(new URL("../../../src/redis.ts", import.meta.url));
    const script = fileURLToPath(new URL("short-lived.mjs", import.meta.url));
    const child = fork(script, [source, server.url, prefix, "1"], {
      execArgv: ["--import", "tsx", "--conditions", "@millrace/source"],
    });
    expect((await once(child, "message"))[0]).toBe("joined");
    expect(await layer.groupSend("room", { type: "a.b" })).toMatchObject({ processes: 1 });
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    const killed = Date.now();
    await until(async () => {
      const { processes, overCapacity: full } = await layer.groupSend("room", { type: "a.b" });
      return processes + full === 0;
    });
    expect(Date.now() - killed).toBeLessThan(10_000);
    expect(await server.command("EXISTS", `${prefix}:group:room`)).toBe(0);
  });

  test("renews the membership of a process that lives for as long as it does", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix, { lease: 0.3 });
    const inbox = await member(layer, "room");
    const since = Date.now();
    await until(async () => Date.now() - since > 900);
    expect(await layer.groupSend("room", { type: "a.b" })).toMatchObject({ processes: 1 });
    expect(await inbox.next()).toEqual({ type: "a.b" });
    expect(degraded).toEqual([]);
  });

  test("enters again what somebody deleted, and tells since when it may have been missing", async () => {
    const prefix = prefixes();
    await using layer = layerOf(prefix, { lease: 0.3 });
    const inbox = await member(layer, "room");
    const deleted = Date.now();
    await server.command("DEL", `${prefix}:group:room`);
    await until(async () => recovered.length === 1);
    expect(recovered[0]?.since).toBeLessThanOrEqual(deleted);
    expect(recovered[0]?.until).toBeGreaterThanOrEqual(deleted);
    await layer.groupSend("room", { type: "a.b" });
    expect((await inbox.take(3)).map(({ type }) => type)).toEqual(["layer.degraded", "layer.recovered", "a.b"]);
  });

  test("has its memberships again after Redis restarted empty, before it says that it is well", async () => {
    await using own = await RedisServer.start();
    await using layer = new RedisChannelLayer({ hosts: [own.url] });
    const inbox = await member(layer, "room");
    await own.restart();
    await until(async () => recovered.length === 1);
    expect(await layer.groupSend("room", { type: "a.b" })).toMatchObject({ processes: 1 });
    expect(await inbox.next()).toMatchObject({ type: "layer.degraded" });
    // It is told once more where a connection finds out later that it was lost earlier.
    expect(await inbox.until(({ type }) => type !== "layer.degraded")).toMatchObject({ type: "layer.recovered" });
    expect(await inbox.next()).toEqual({ type: "a.b" });
    expect(degraded[0]?.since).toBeGreaterThanOrEqual(recovered[0]?.since ?? Infinity);
  });

  test.each<[string, RedisChannelLayerOptions]>([
    ["an empty prefix", { prefix: "" }],
    ["a lease of no time", { lease: 0 }],
    ["a cluster", { hosts: [{ cluster: [{ host: "localhost" }] }] }],
    ["keys that are no list", { symmetricEncryptionKeys: "key" as never }],
    ["an option that it does not have", { hots: [] } as never],
  ])("refuses %s", (_what, options) => {
    expect(() => new RedisChannelLayer(options)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
  });
});
