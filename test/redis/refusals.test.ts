import { describe, expect, test } from "@jest/globals";
import type { RedisServer as RedisServerOptions } from "../../src/redis/hosts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Listener, makeLink, rejection } from "./support.ts";

noUnhandledRejections();

const secured = { config: ["requirepass right"], login: { password: "right" } };

/** What Redis refuses, with its first word and what to do. */
function refusal(word: string, remedy: string) {
  return {
    name: "MillraceError",
    code: "ERR_REDIS",
    message: expect.stringMatching(new RegExp(`: ${word} .*${remedy}`, "s")),
    cause: { name: "ReplyError", message: expect.stringContaining(word) },
  };
}

describe("a login that Redis refuses", () => {
  test.each<[string, RedisServerOptions, object]>([
    ["a wrong password", { password: "wrong" }, refusal("WRONGPASS", "Correct the user or the password")],
    ["an unknown user", { username: "eve", password: "right" }, refusal("WRONGPASS", "Correct the user")],
    ["no password", {}, refusal("NOAUTH", "Give the password in hosts")],
  ])("is told at once, and no command waits: %s", async (_, login, expected) => {
    await using server = await RedisServer.start(secured);
    const host = { host: server.host, port: server.port, ...login };
    await using link = makeLink(host, { offlineTimeout: 60 });
    await using listener = new Listener(host, { offlineTimeout: 60 });
    const error = await rejection(link.connect());

    expect(error).toMatchObject(expected);
    expect(await rejection(link.call("PING"))).toMatchObject(expected);
    expect(await rejection(listener.subscriber.connect())).toMatchObject(expected);
    expect(await rejection(listener.subscriber.subscribe("a"))).toMatchObject(expected);
    for (const shown of [error.message, String(error.cause), JSON.stringify(error.cause)]) {
      expect(shown).not.toMatch(/"wrong"|right/);
    }
  });

  test("is not for ever", async () => {
    await using server = await RedisServer.start(secured);
    await using link = makeLink({ host: server.host, port: server.port, password: "new" });
    await rejection(link.connect());
    await server.command("ACL", "SETUSER", "default", ">new");
    while (!link.up) await link.connect().catch(() => undefined);

    expect(await link.call("PING")).toBe("PONG");
  });

  test("is told of a database that does not exist, instead of going on in another one", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(`${server.url}/99`);
    expect(await rejection(link.connect())).toMatchObject({
      code: "ERR_REDIS",
      message: expect.stringMatching(/database 99 refused the connection: ERR DB index is out of range/),
    });
  });
});

describe("a command that Redis refuses", () => {
  test("is told with what to do: a full Redis", async () => {
    await using server = await RedisServer.start({ config: ["maxmemory 1mb", "maxmemory-policy noeviction"] });
    await using link = makeLink(server.url);
    expect(await rejection(link.call("SET", "key", Buffer.alloc(100_000)))).toMatchObject(
      refusal("OOM", "Redis is full: raise its maxmemory"),
    );
    expect(await link.call("GET", "key")).toBeNull();
  });

  test("is told with what to do: a key of another kind", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    await link.call("SET", "key", "text");
    expect(await rejection(link.call("ZADD", "key", 1, "a"))).toMatchObject(
      refusal("WRONGTYPE", "a prefix of its own"),
    );
  });

  test("is told with what to do: a key that the user may not touch", async () => {
    const config = ["user ann on >pw +@all -flushall ~mine:* &*"];
    await using server = await RedisServer.start({ config });
    await using link = makeLink({ host: server.host, port: server.port, username: "ann", password: "pw" });
    expect(await link.call("SET", "mine:1", 1)).toBe("OK");
    expect(await rejection(link.call("SET", "yours", 1))).toMatchObject(refusal("NOPERM", "look at ACL LIST"));
    expect(await rejection(link.call("FLUSHALL"))).toMatchObject(refusal("NOPERM", "look at ACL LIST"));
    expect(await link.call("GET", "mine:1")).toBe("1");
  });

  test("is told as Redis says it where nothing better is known", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    expect(await rejection(link.call("NONSENSE"))).toMatchObject({
      code: "ERR_REDIS",
      message: expect.stringContaining("refused NONSENSE: ERR unknown command"),
    });
  });
});

describe("a user who may do little", () => {
  test("can use Redis without being allowed to ask for its role", async () => {
    const config = ["user ann on >pw +ping +get +set +publish +subscribe ~* &*"];
    await using server = await RedisServer.start({ config });
    const host = { host: server.host, port: server.port, username: "ann", password: "pw" };
    await using link = makeLink(host, { scripts: [{ source: "return 1" }] });
    await using listener = new Listener(host);
    await listener.subscriber.subscribe("a");
    await link.call("PUBLISH", "a", "hello");
    await listener.heard(1);

    expect(listener.messages).toEqual(["a hello"]);
  });
});

describe("a replica", () => {
  test("is refused as a host, because what is published on it stays on it", async () => {
    await using master = await RedisServer.start();
    await using replica = await RedisServer.start({ config: [`replicaof ${master.host} ${master.port}`] });
    await using link = makeLink(replica.url);
    await using listener = new Listener(replica.url);
    const expected = refusal("READONLY", "name the master, or its sentinels");

    expect(await rejection(link.connect())).toMatchObject(expected);
    expect(await rejection(listener.subscriber.connect())).toMatchObject(expected);
  });

  test("that was the master refuses what is written, and is dropped", async () => {
    await using server = await RedisServer.start();
    await using other = await RedisServer.start();
    await using link = makeLink(server.url, { probeInterval: 60 });
    await link.connect();
    await server.command("REPLICAOF", other.host, other.port);
    expect(await rejection(link.call("SET", "key", 1))).toMatchObject(refusal("READONLY", "That is a replica"));
    const later = link.call("SET", "key", 2);
    await server.command("REPLICAOF", "NO", "ONE");

    expect(await later).toBe("OK");
  });
});
