import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/redis-sentinel.ts";
import { RedisServer } from "../support/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { makeLink, rejection } from "./support.ts";

noUnhandledRejections();

const unavailable = { name: "MillraceError", code: "ERR_LAYER_UNAVAILABLE" };
const unknown = { name: "MillraceError", code: "ERR_OUTCOME_UNKNOWN" };

describe("a link", () => {
  test("answers texts as strings or as bytes, numbers as numbers and nothing as null", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    const bytes = Buffer.from([0, 255, 13, 10]);

    expect(await link.call("SET", "key", bytes)).toBe("OK");
    expect(await link.callBuffer("GET", "key")).toEqual(bytes);
    expect(await link.call("STRLEN", "key")).toBe(4);
    expect(await link.call("GET", "other")).toBeNull();
    expect(await link.callBuffer("MGET", "key", "other")).toEqual([bytes, null]);
  });

  test("keeps the order of the calls, those too that wait for Redis", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    const before = Array.from({ length: 100 }, (_, at) => link.call("RPUSH", "list", at));
    await Promise.all(before);
    await server.stop();
    await until(async () => !link.up);
    const during = Array.from({ length: 100 }, (_, at) => link.call("RPUSH", "list", at));
    expect(link.waiting).toBe(100);
    await server.start();

    expect(await Promise.all(during)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(await link.call("LRANGE", "list", 0, -1)).toEqual(Array.from({ length: 100 }, (_, at) => String(at)));
  });

  test("sends what is asked in one turn in one piece", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using link = makeLink(proxy.url, { probeInterval: 60 });
    await link.connect();
    let pieces = 0;
    proxy.onQuestion = () => pieces++;
    await Promise.all(Array.from({ length: 50 }, () => link.call("PING")));

    expect(pieces).toBe(1);
  });
});

describe("where Redis is away", () => {
  test("connecting says so at once, with the address and without the password", async () => {
    const port = await freePort();
    await using link = makeLink(`redis://ann:secret@127.0.0.1:${port}`);
    const error = await rejection(link.connect());

    expect(error).toMatchObject({ ...unavailable, cause: { code: "ECONNREFUSED" } });
    expect(error.message).toMatch(
      `Can't reach Redis at redis://127.0.0.1:${port}, and nothing was sent: connect ECONNREFUSED`,
    );
    expect(error.message).not.toContain("secret");
  });

  test("a name that nobody knows is said as well", async () => {
    await using link = makeLink("redis://nowhere.invalid");
    expect(await rejection(link.connect())).toMatchObject({
      ...unavailable,
      message: expect.stringContaining("nowhere.invalid"),
    });
  });

  test("a command is refused when it has waited for as long as it may", async () => {
    await using link = makeLink(`redis://127.0.0.1:${await freePort()}`, { offlineTimeout: 0.05 });
    expect(await rejection(link.call("PING"))).toMatchObject({ ...unavailable, cause: { code: "ECONNREFUSED" } });
    expect(link.waiting).toBe(0);
  });

  test("commands are refused at once beyond the bound of their number, and others still wait", async () => {
    const port = await freePort();
    await using link = makeLink(`redis://127.0.0.1:${port}`, { offlineCommands: 2 });
    const waiting = [link.call("PING"), link.call("PING")].map(rejection);
    expect(await rejection(link.call("PING"))).toMatchObject({
      ...unavailable,
      message: expect.stringContaining("as much waits for it as may"),
    });
    expect(link.waiting).toBe(2);
    await link.close();
    expect(await Promise.all(waiting)).toMatchObject([{ code: "ERR_LAYER_CLOSED" }, { code: "ERR_LAYER_CLOSED" }]);
  });

  test("commands are refused beyond the bound of their bytes", async () => {
    await using link = makeLink(`redis://127.0.0.1:${await freePort()}`, { offlineBytes: 1000 });
    const waiting = rejection(link.call("SET", "key", Buffer.alloc(900)));
    expect(await rejection(link.call("SET", "key", Buffer.alloc(900)))).toMatchObject(unavailable);
    expect(link.waiting).toBe(1);
    await link.close();
    await waiting;
  });

  test("nothing waits where nothing may", async () => {
    await using link = makeLink(`redis://127.0.0.1:${await freePort()}`, { offlineTimeout: 0 });
    expect(await rejection(link.call("PING"))).toMatchObject(unavailable);
  });

  test("the link is up as soon as Redis is, and tells of the gap", async () => {
    await using server = await RedisServer.start();
    const gaps: Array<readonly [since: number, until: number]> = [];
    const downs: number[] = [];
    await using link = makeLink(server.url, {
      onDown: (since) => downs.push(since),
      onUp: (since, end) => gaps.push([since, end]),
    });
    await link.connect();
    const lastAnswer = Date.now();
    await link.call("PING");
    await server.stop();
    await until(async () => downs.length === 1);
    const stopped = Date.now();
    await server.start();
    await link.call("PING");

    expect(downs).toEqual([expect.any(Number)]);
    expect(gaps).toEqual([[downs[0], expect.any(Number)]]);
    expect(downs[0]).toBeGreaterThanOrEqual(lastAnswer);
    expect(downs[0]).toBeLessThanOrEqual(stopped);
    expect(gaps[0]?.[1]).toBeGreaterThanOrEqual(stopped);
  });
});

describe("an answer that is lost", () => {
  test("leaves the outcome unknown, and the command is not sent again", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using link = makeLink(proxy.url, { probeInterval: 60, probeTimeout: 60 });
    await link.connect();
    proxy.swallow("answers");
    const swallowed = proxy.swallowed();
    const outcome = rejection(link.call("INCR", "key"));
    await swallowed;
    proxy.heal();
    proxy.cut();

    expect(await outcome).toMatchObject({
      ...unknown,
      message: expect.stringContaining("lost before it answered INCR"),
    });
    expect(await link.call("GET", "key")).toBe("1");
  });

  test("leaves all unknown that was sent, and nothing that waits", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using link = makeLink(proxy.url, { probeInterval: 60, probeTimeout: 60 });
    await link.connect();
    proxy.swallow("answers");
    const sent = [link.call("INCR", "a"), link.call("INCR", "b")].map(rejection);
    await proxy.swallowed();
    proxy.heal();
    proxy.cut();
    const outcomes = await Promise.all(sent);
    const later = link.call("INCR", "a");

    expect(outcomes).toMatchObject([unknown, unknown]);
    expect(await later).toBe(2);
  });

  test("is noticed on a connection that is open but dead", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    await using link = makeLink(proxy.url);
    await link.connect();
    proxy.swallow("questions", "answers");
    const outcome = await rejection(link.call("INCR", "key"));
    proxy.heal();

    expect(outcome).toMatchObject(unknown);
    expect(await link.call("GET", "key")).toBeNull();
  });

  test("is noticed of a Redis that is frozen; what is sent later waits for it", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    await link.connect();
    server.freeze();
    const outcome = await rejection(link.call("INCR", "key"));
    const later = link.call("SET", "other", 1);
    server.thaw();

    expect(outcome).toMatchObject(unknown);
    expect(await later).toBe("OK");
  });

  test("is noticed though nothing is sent but the questions whether it lives", async () => {
    await using server = await RedisServer.start();
    await using proxy = await TcpProxy.start(server.port);
    let downs = 0;
    await using link = makeLink(proxy.url, { onDown: () => downs++ });
    await link.connect();
    proxy.swallow("answers");
    await until(async () => downs === 1);
    proxy.heal();

    expect(await link.call("PING")).toBe("PONG");
  });

  test("does not show in the cause what was sent", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    const refused = await rejection(link.call("INCR", "list of secrets", "a secret"));

    expect(refused.cause).toMatchObject({ name: "ReplyError" });
    expect(refused.cause).not.toHaveProperty("command");
  });
});

describe("a link that is closed", () => {
  test("lets what was sent be answered, and takes nothing more", async () => {
    await using server = await RedisServer.start();
    const link = makeLink(server.url);
    await link.connect();
    const last = link.call("SET", "key", 1);
    const closed = link.close();
    const late = link.call("GET", "key");

    expect(await rejection(late)).toMatchObject({ code: "ERR_LAYER_CLOSED" });
    expect(await last).toBe("OK");
    await closed;
    await link.close();
    expect(await rejection(link.connect())).toMatchObject({ code: "ERR_LAYER_CLOSED" });
  });

  test("ends though Redis does not answer", async () => {
    await using server = await RedisServer.start();
    const link = makeLink(server.url);
    await link.connect();
    server.freeze();
    const outcome = rejection(link.call("PING"));
    await turn();
    await link.close();

    expect(await outcome).toMatchObject(unknown);
  });

  test("ends before it has ever connected", async () => {
    const link = makeLink(`redis://127.0.0.1:${await freePort()}`);
    const connected = rejection(link.connect());
    await link.close();

    expect(["ERR_LAYER_CLOSED", "ERR_LAYER_UNAVAILABLE"]).toContain(
      ((await connected) as Error & { code: string }).code,
    );
  });

  test("leaves no timer and no socket", async () => {
    await using server = await RedisServer.start();
    await until(async () => sockets() === 0);
    const before = timers();
    const link = makeLink(server.url);
    await link.connect();
    expect(sockets()).toBe(1);
    await link.close();

    await until(async () => sockets() === 0);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
