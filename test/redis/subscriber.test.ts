import { describe, expect, test } from "@jest/globals";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/redis-sentinel.ts";
import { RedisServer } from "../support/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Listener, makeLink, rejection } from "./support.ts";

noUnhandledRejections();

/** The channels that Redis has subscribers for, and how many. */
async function subscribed(server: RedisServer): Promise<readonly string[]> {
  return ((await server.command("PUBSUB", "CHANNELS")) as string[]).toSorted();
}

describe("a subscriber", () => {
  test("receives each message once, in order, with its channel and its bytes", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url);
    await Promise.all(["a", "b"].map((channel) => listener.subscriber.subscribe(channel)));
    for (let count = 0; count < 10; count++) await server.command("PUBLISH", count % 2 === 0 ? "a" : "b", count);
    await server.command("PUBLISH", "c", "not wanted");
    await listener.heard(10);

    expect(listener.messages).toEqual(Array.from({ length: 10 }, (_, at) => `${at % 2 === 0 ? "a" : "b"} ${at}`));
  });

  test("hears what is published as soon as subscribing is done", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url);
    for (let count = 0; count < 20; count++) {
      await listener.subscriber.subscribe(`channel ${count}`);
      expect(await server.command("PUBLISH", `channel ${count}`, "x")).toBe(1);
    }
    await listener.heard(20);
  });

  test("hands bytes over as they were sent", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    await using listener = new Listener(server.url);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await listener.subscriber.subscribe("ünïcode");
    for (const payload of [bytes, Buffer.alloc(0), Buffer.alloc(3_000_000, 7)]) {
      await link.call("PUBLISH", "ünïcode", payload);
    }
    await listener.heard(3);

    expect(listener.payloads.map((payload) => payload.length)).toEqual([256, 0, 3_000_000]);
    expect(listener.payloads[0]).toEqual(bytes);
    expect(listener.messages[1]).toBe("ünïcode ");
  });

  test("counts: a channel is unsubscribed when it is wanted no more", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url, { linger: 1 });
    const { subscriber } = listener;
    await Promise.all([subscriber.subscribe("a"), subscriber.subscribe("a"), subscriber.subscribe("b")]);
    expect(subscriber.size).toBe(2);
    subscriber.unsubscribe("a");
    subscriber.unsubscribe("b");
    await until(async () => (await subscribed(server)).join() === "a");
    expect(subscriber.size).toBe(1);
    subscriber.unsubscribe("a");
    subscriber.unsubscribe("a");
    subscriber.unsubscribe("never wanted");
    await until(async () => (await subscribed(server)).length === 0);
    expect(subscriber.size).toBe(0);
  });

  test("lingers: a channel that is wanted again at once costs Redis nothing", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url, { probeInterval: 60, linger: 60_000 });
    await listener.subscriber.subscribe("a");
    let questions = 0;
    proxy.onQuestion = () => questions++;
    for (let count = 0; count < 100; count++) {
      listener.subscriber.unsubscribe("a");
      await listener.subscriber.subscribe("a");
    }
    expect(questions).toBe(0);
  });

  test("does not hand over what nobody wants any more", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url, { linger: 60_000 });
    await listener.subscriber.subscribe("a");
    await listener.subscriber.subscribe("b");
    listener.subscriber.unsubscribe("a");
    await server.command("PUBLISH", "a", "late");
    await server.command("PUBLISH", "b", "last");
    await listener.heard(1);

    expect(listener.messages).toEqual(["b last"]);
  });

  test("survives many joins and leaves, and keeps nothing of them", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url, { linger: 0 });
    const { subscriber } = listener;
    await Promise.all(
      Array.from({ length: 2000 }, async (_, at) => {
        await subscriber.subscribe(`channel ${at % 700}`);
        subscriber.unsubscribe(`channel ${at % 700}`);
      }),
    );
    await until(async () => (await subscribed(server)).length === 0);
    expect(subscriber.size).toBe(0);
    expect(subscriber.well).toBe(true);
  });
});

describe("a subscriber that loses its connection", () => {
  test("subscribes everything again before it says that it has recovered, and tells the gap", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url);
    const channels = Array.from({ length: 1200 }, (_, at) => `channel ${at}`);
    await Promise.all(channels.map((channel) => listener.subscriber.subscribe(channel)));
    const before = Date.now();
    proxy.cut();
    await listener.degraded();
    expect(listener.subscriber.well).toBe(false);
    await listener.recovered();
    const after = Date.now();

    expect(await subscribed(server)).toEqual(channels.toSorted());
    expect(listener.gaps).toEqual([{ since: listener.degradedSince[0], until: expect.any(Number) }]);
    expect(listener.gaps[0]?.since).toBeLessThanOrEqual(before);
    expect(listener.gaps[0]?.until).toBeLessThanOrEqual(after);
    await server.command("PUBLISH", "channel 1199", "again");
    await listener.heard(1);
    expect(listener.messages).toEqual(["channel 1199 again"]);
  });

  test("has what was added and not what was discarded between the cuts", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url);
    const { subscriber } = listener;
    await Promise.all(["keep", "drop"].map((channel) => subscriber.subscribe(channel)));
    for (let cut = 1; cut <= 3; cut++) {
      proxy.refuse();
      proxy.cut();
      await listener.degraded(cut);
      subscriber.unsubscribe(cut === 1 ? "drop" : `added ${cut - 1}`);
      const added = subscriber.subscribe(`added ${cut}`);
      proxy.heal();
      await added;
      await listener.recovered(cut);
    }
    expect(await subscribed(server)).toEqual(["added 3", "keep"]);
    for (const channel of ["drop", "added 1", "added 2", "added 3", "keep"]) {
      await server.command("PUBLISH", channel, "x");
    }
    await listener.heard(2);
    expect(listener.messages).toEqual(["added 3 x", "keep x"]);
  });

  test("comes back after Redis was restarted", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url);
    await listener.subscriber.subscribe("a");
    await server.kill();
    await listener.degraded();
    await server.start();
    await listener.recovered();
    await server.command("PUBLISH", "a", "again");
    await listener.heard(1);

    expect(listener.messages).toEqual(["a again"]);
  });

  test("tells one gap of an outage, however often the way back fails", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url);
    await listener.subscriber.subscribe("a");
    let attempts = 0;
    proxy.onConnection = () => attempts++;
    proxy.refuse();
    proxy.cut();
    await until(async () => attempts >= 3);
    // Connections that open, and on which nobody answers.
    proxy.heal();
    proxy.swallow("answers");
    await until(async () => attempts >= 5);
    proxy.heal();
    await listener.recovered();

    expect(listener.degradedSince).toHaveLength(1);
    expect(listener.gaps).toHaveLength(1);
  });

  test.each(["answers", "questions"] as const)("notices that it is dead when its %s are swallowed", async (way) => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url);
    await listener.subscriber.subscribe("a");
    proxy.swallow(way);
    const dead = Date.now();
    await listener.degraded();
    const noticed = Date.now();
    proxy.heal();
    await listener.recovered();

    expect(listener.gaps[0]?.since).toBeLessThanOrEqual(dead);
    // 50 ms between questions and 200 ms for an answer, and some time for a busy machine.
    expect(noticed - dead).toBeLessThan(8000);
  });

  test("notices that Redis is frozen; the gap begins while it was known to be well", async () => {
    await using server = await RedisServer.start();
    await using listener = new Listener(server.url);
    await listener.subscriber.subscribe("a");
    server.freeze();
    const frozen = Date.now();
    await listener.degraded();
    server.thaw();
    await listener.recovered();

    expect(listener.gaps[0]?.since).toBeLessThanOrEqual(frozen);
    expect(listener.gaps[0]?.until).toBeGreaterThan(frozen);
  });

  test("gets on with one that is slow, and loses nothing", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener(proxy.url);
    await listener.subscriber.subscribe("a");
    proxy.delay(60);
    for (let count = 0; count < 50; count++) await server.command("PUBLISH", "a", count);
    await listener.heard(50);

    expect(listener.degradedSince).toEqual([]);
    expect(listener.messages).toEqual(Array.from({ length: 50 }, (_, at) => `a ${at}`));
  });

  test("notices that its master has become a replica", async () => {
    await using server = await RedisServer.start();
    await using other = await RedisServer.start();
    await using listener = new Listener(server.url);
    await listener.subscriber.subscribe("a");
    await server.command("REPLICAOF", other.host, other.port);
    await listener.degraded();
    await server.command("REPLICAOF", "NO", "ONE");
    await listener.recovered();

    expect(await subscribed(server)).toEqual(["a"]);
  });
});

describe("subscribing while Redis is away", () => {
  test("waits for it", async () => {
    await using server = await RedisServer.start();
    await server.stop();
    await using listener = new Listener(server.url);
    const subscription = listener.subscriber.subscribe("a");
    await server.start();
    await subscription;

    expect(await subscribed(server)).toEqual(["a"]);
    expect(listener.degradedSince).toEqual([]);
  });

  test("is refused after its time, and the channel is not wanted any more", async () => {
    await using server = await RedisServer.start();
    await server.stop();
    await using listener = new Listener(server.url, { offlineTimeout: 0.05, linger: 0 });
    expect(await rejection(listener.subscriber.subscribe("a"))).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      cause: { code: "ECONNREFUSED" },
    });
    expect(listener.subscriber.size).toBe(0);
    await server.start();
    await listener.subscriber.connect();

    expect(await subscribed(server)).toEqual([]);
  });

  test("is told at start with the address", async () => {
    const port = await freePort();
    await using listener = new Listener(`redis://:secret@127.0.0.1:${port}`);
    const error = await rejection(listener.subscriber.connect());

    expect(error).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    expect(error.message).not.toContain("secret");
  });

  test("is refused once the subscriber is closed, also where it waits", async () => {
    const listener = new Listener(`redis://127.0.0.1:${await freePort()}`);
    const waiting = rejection(listener.subscriber.subscribe("a"));
    await listener.subscriber.close();
    await listener.subscriber.close();

    expect(await waiting).toMatchObject({ code: "ERR_LAYER_CLOSED" });
    expect(await rejection(listener.subscriber.subscribe("a"))).toMatchObject({ code: "ERR_LAYER_CLOSED" });
    expect(await rejection(listener.subscriber.connect())).toMatchObject({ code: "ERR_LAYER_CLOSED" });
  });
});

describe("a subscriber that may not", () => {
  const config = ["user default off", "user ann on >pw +@all ~* resetchannels &may:*"];

  test("hears of a channel that Redis refuses it, and keeps the others", async () => {
    await using server = await RedisServer.start({ config, login: { username: "ann", password: "pw" } });
    await using proxy = await TcpProxy.start(server.port);
    await using listener = new Listener({ port: proxy.port, host: proxy.host, username: "ann", password: "pw" });
    const { subscriber } = listener;
    await subscriber.subscribe("may:a");
    expect(await rejection(subscriber.subscribe("other"))).toMatchObject({
      code: "ERR_REDIS",
      message: expect.stringMatching(/refused SUBSCRIBE: NOPERM .* Allow the user this command, key or channel/),
    });
    expect(subscriber.size).toBe(1);

    // Also where both are asked for by a new connection.
    proxy.refuse();
    proxy.cut();
    await listener.degraded();
    const refused = rejection(subscriber.subscribe("other"));
    const granted = subscriber.subscribe("may:b");
    proxy.heal();
    expect(await refused).toMatchObject({ code: "ERR_REDIS" });
    await granted;
    await listener.recovered();
    expect(await subscribed(server)).toEqual(["may:a", "may:b"]);
  });

  test("has not recovered while Redis refuses what it granted before", async () => {
    await using server = await RedisServer.start({ config, login: { username: "ann", password: "pw" } });
    await using listener = new Listener({ port: server.port, host: server.host, username: "ann", password: "pw" });
    await listener.subscriber.subscribe("may:a");
    await server.command("ACL", "SETUSER", "ann", "resetchannels", "&nothing");
    await listener.degraded();
    await server.command("ACL", "SETUSER", "ann", "resetchannels", "&may:*");
    await listener.recovered();

    expect(await subscribed(server)).toEqual(["may:a"]);
  });
});
