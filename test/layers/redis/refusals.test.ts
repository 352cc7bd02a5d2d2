import { describe, expect, test } from "@jest/globals";
import type { ChannelLayer, LayerMessage } from "millrace";
import {
  RedisChannelLayer,
  type RedisConnectionOptions,
  type RedisHost,
  RedisPubSubChannelLayer,
} from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

const errors = heard("millrace:layer:error");
const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");

/** Times that let a test see in a moment what takes seconds in earnest. */
const quick: RedisConnectionOptions = {
  connectTimeout: 2,
  offlineTimeout: 0.3,
  probeInterval: 0.05,
  probeTimeout: 2,
  retryDelay: 0.01,
  maxRetryDelay: 0.05,
};

/** What Redis refuses, with its first word and what to do. */
function refusal(word: string, remedy: string) {
  return { code: "ERR_REDIS", message: expect.stringMatching(new RegExp(`: ${word} .*${remedy}`, "s")) };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function member(layer: ChannelLayer, ...groups: readonly string[]) {
  const inbox = new Received();
  const { name } = await layer.newChannel(inbox.subscriber);
  for (const group of groups) await layer.groupAdd(group, name);
  return Object.assign(inbox, { name });
}

/** Sends until the member hears, and holds that it then hears all. */
async function holdWell(sender: ChannelLayer, receiver: Awaited<ReturnType<typeof member>>): Promise<void> {
  const isThere = ({ type }: LayerMessage): boolean => type === "well.again";
  await until(async () => {
    await failure(sender.groupSend("room", { type: "well.again" }));
    return receiver.all.some(isThere);
  });
  for (let number = 0; number < 5; number++) {
    await sender.groupSend("room", { type: "well.last", number });
    expect(await receiver.until(({ type }) => type === "well.last")).toMatchObject({ number });
  }
}

const makers: ReadonlyArray<[string, (host: RedisHost, options?: RedisConnectionOptions) => ChannelLayer]> = [
  ["RedisPubSubChannelLayer", (host, options) => new RedisPubSubChannelLayer({ ...quick, ...options, hosts: [host] })],
  ["RedisChannelLayer", (host, options) => new RedisChannelLayer({ ...quick, ...options, hosts: [host] })],
];

describe.each(makers)("%s", (name, make) => {
  test("has one error for whoever needs it after the password was changed, and is well with the old one again", async () => {
    await using server = await RedisServer.start({ config: ["user mill on >grind ~* &* +@all"] });
    const host = { host: server.host, port: server.port, username: "mill", password: "grind" };
    await using layer = make(host, { offlineTimeout: 60 });
    const here = await member(layer, "room");
    await layer.groupSend("room", { type: "still.well" });
    await server.command("ACL", "SETUSER", "mill", "resetpass", ">other");
    await server.command("CLIENT", "KILL", "USER", "mill");
    await here.until(({ type }) => type === "layer.degraded");
    const wanted = refusal("WRONGPASS", "Correct the user or the password");
    await until(async () => String(await failure(layer.groupSend("room", { type: "a.b" }))).includes("WRONGPASS"));
    expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(wanted);
    expect(await failure(layer.groupAdd("other", here.name))).toMatchObject(wanted);
    expect(await failure(layer.send(here.name, { type: "a.b" }))).toMatchObject(wanted);
    await server.command("ACL", "SETUSER", "mill", ">grind");
    await here.until(({ type }) => type === "layer.recovered");
    await holdWell(layer, here);
    await layer.groupAdd("other", here.name);
    expect(errors).toEqual([]);
  });

  test("has one error for whoever sends while Redis reads its data, and is well when that is done", async () => {
    const config = ["enable-debug-command yes", "key-load-delay 500", "loading-process-events-interval-bytes 1024"];
    await using server = await RedisServer.start({ config });
    await using layer = make(server.url);
    await using patient = make(server.url, { offlineTimeout: 60 });
    const here = await member(layer, "room");
    await patient.groupSend("room", { type: "still.well" });
    await server.command("DEBUG", "POPULATE", 6000);
    await server.command("SAVE");
    await server.kill();
    await server.start();
    const waiting = patient.groupSend("room", { type: "was.patient" });
    expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(
      refusal("LOADING", "Redis is reading its data and will be ready in a while"),
    );
    await waiting;
    await here.until(({ type }) => type === "layer.recovered");
    await holdWell(layer, here);
    expect(errors).toEqual([]);
  });

  test("has one error for whoever sends to a server that was made a replica, and is well when it is master again", async () => {
    await using server = await RedisServer.start();
    await using other = await RedisServer.start();
    await using layer = make(server.url, { probeInterval: 0.5 });
    const here = await member(layer, "room");
    await layer.groupSend("room", { type: "still.well" });
    await server.command("REPLICAOF", other.host, other.port);
    await until(async () => String(await failure(layer.groupSend("room", { type: "a.b" }))).includes("READONLY"));
    expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(
      refusal("READONLY", "name the master, or its sentinels"),
    );
    const before = Date.now();
    await server.command("REPLICAOF", "NO", "ONE");
    const { until: end } = await here.until(({ type }) => type === "layer.recovered");
    // Others may have published on the replica until they asked it, too.
    if (name === "RedisPubSubChannelLayer") expect(Number(end) - before).toBeGreaterThanOrEqual(500);
    await holdWell(layer, here);
    expect(errors).toEqual([]);
  });
});

describe("RedisPubSubChannelLayer", () => {
  test("goes on while Redis is full: it keeps nothing there", async () => {
    await using server = await RedisServer.start({ config: ["maxmemory-policy noeviction"] });
    await using layer = new RedisPubSubChannelLayer({ ...quick, hosts: [server.url], workerChannels: ["jobs"] });
    const here = await member(layer, "room");
    await server.command("CONFIG", "SET", "maxmemory", 1);
    await layer.groupAdd("other", here.name);
    await holdWell(layer, here);
    expect(await failure(layer.send("jobs", { type: "a.job" }))).toMatchObject(refusal("OOM", "Redis is full"));
    await server.command("CONFIG", "SET", "maxmemory", 0);
    await layer.send("jobs", { type: "a.job" });
  });

  test("tells the time of a message that was too much for the buffer of a slow reader, and goes on", async () => {
    await using server = await RedisServer.start();
    await using layer = new RedisPubSubChannelLayer({ ...quick, hosts: [server.url] });
    const here = await member(layer, "room");
    await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 0 0");
    const sent = Date.now();
    await layer.groupSend("room", { type: "too.large", bytes: new Uint8Array(500_000) });
    const answered = Date.now();
    const { since, until: end } = await here.until(({ type }) => type === "layer.recovered");
    expect(since).toBeLessThanOrEqual(answered);
    expect(end).toBeGreaterThanOrEqual(sent);
    await holdWell(layer, here);
  });
});

describe("RedisChannelLayer", () => {
  test("has one error for whoever sends or joins while Redis is full, and is well when there is room", async () => {
    await using server = await RedisServer.start({ config: ["maxmemory-policy noeviction"] });
    await using layer = new RedisChannelLayer({ ...quick, hosts: [server.url] });
    const here = await member(layer, "room");
    await server.command("CONFIG", "SET", "maxmemory", 1);
    const wanted = refusal("OOM", "Redis is full: raise its maxmemory");
    expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(wanted);
    expect(await failure(layer.groupAdd("other", here.name))).toMatchObject(wanted);
    expect(await failure(layer.send(here.name, { type: "a.b" }))).toMatchObject(wanted);
    await server.command("CONFIG", "SET", "maxmemory", 0);
    await holdWell(layer, here);
    await layer.groupAdd("other", here.name);
    await layer.groupSend("other", { type: "to.other" });
    expect(await here.next()).toEqual({ type: "to.other" });
    expect([errors, degraded]).toEqual([[], []]);
  });

  test("tells since when memberships were missing that a full Redis did not renew", async () => {
    await using server = await RedisServer.start({ config: ["maxmemory-policy noeviction"] });
    await using layer = new RedisChannelLayer({ ...quick, hosts: [server.url], lease: 0.3 });
    const here = await member(layer, "room");
    const full = Date.now();
    await server.command("CONFIG", "SET", "maxmemory", 1);
    await until(() => errors.length > 0);
    expect(errors[0]?.error).toMatchObject(refusal("OOM", "Redis is full"));
    await until(async () => (await failure(layer.groupSend("room", { type: "a.b" }))) === undefined);
    const unheard = Date.now();
    await server.command("CONFIG", "SET", "maxmemory", 0);
    const { since, until: end } = await here.until(({ type }) => type === "layer.recovered");
    expect(since).toBeLessThanOrEqual(full + 300);
    expect(end).toBeGreaterThanOrEqual(unheard);
    await holdWell(layer, here);
  });

  test("has one error for whoever uses a group whose key holds something else, and renews all other groups", async () => {
    await using server = await RedisServer.start();
    await using layer = new RedisChannelLayer({ ...quick, hosts: [server.url], lease: 0.3 });
    const here = await member(layer, "first", "room", "last");
    await server.command("SET", "asgi:group:room", "text");
    const wanted = refusal("WRONGTYPE", "a prefix of its own");
    expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(wanted);
    const late = await member(layer);
    await using other = new RedisChannelLayer({ ...quick, hosts: [server.url] });
    expect(await failure(other.groupAdd("room", (await member(other)).name))).toMatchObject(wanted);
    expect(await failure(layer.groupDiscard("room", late.name))).toMatchObject(wanted);
    // Longer than the lease, so that all would be gone.
    await until(() => errors.length > 5);
    for (const { error } of errors) expect(error).toMatchObject(wanted);
    for (const group of ["first", "last"]) {
      expect(await layer.groupSend(group, { type: "to.others", group })).toMatchObject({ processes: 1 });
      expect(await here.until(({ type }) => type === "to.others")).toMatchObject({ group });
    }
    await server.command("DEL", "asgi:group:room");
    await until(() => recovered.length > 0);
    await holdWell(layer, here);
  });

  test("sends to nobody when the queue of one process holds something else, and reads it when it is gone", async () => {
    await using server = await RedisServer.start();
    await using layer = new RedisChannelLayer({ ...quick, hosts: [server.url] });
    await using other = new RedisChannelLayer({ ...quick, hosts: [server.url] });
    const [here, there] = [await member(layer, "room"), await member(other, "room")];
    const queue = `asgi${there.name.slice(0, there.name.indexOf("!") + 1)}`;
    await server.command("SET", queue, "text");
    const wanted = refusal("WRONGTYPE", "a prefix of its own");
    for (let count = 0; count < 5; count++) {
      expect(await failure(layer.groupSend("room", { type: "a.b" }))).toMatchObject(wanted);
    }
    await until(() => errors.length > 0);
    expect(errors[0]?.error).toMatchObject(wanted);
    await server.command("DEL", queue);
    await holdWell(layer, there);
    await here.until(({ number }) => number === 4);
    for (const { all } of [here, there]) expect(all.filter(({ type }) => type === "a.b")).toEqual([]);
  });
});
