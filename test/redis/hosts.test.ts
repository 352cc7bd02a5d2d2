import { describe, expect, test } from "@jest/globals";
import { readHosts } from "../../src/redis/endpoint.ts";
import type { RedisHosts } from "../../src/redis/hosts.ts";
import { type RedisConnectionOptions, readConnectionOptions } from "../../src/redis/options.ts";
import { caught } from "../support/caught.ts";

const server = { kind: "server", host: "localhost", port: 6379, db: 0, address: "redis://localhost:6379" };

describe("where Redis is", () => {
  test("is the default port of this machine where nothing is said", () => {
    expect(readHosts()).toMatchObject([server]);
    expect(readHosts([{}])).toMatchObject([server]);
  });

  test.each<[string, object]>([
    ["redis://localhost", server],
    ["redis://10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, db: 3, address: "redis://10.0.0.1:7000, database 3" }],
    ["redis://10.0.0.1?db=4", { host: "10.0.0.1", port: 6379, db: 4 }],
    ["redis://[::1]:7000", { host: "::1", address: "redis://[::1]:7000" }],
    ["redis://ann:p%40ss%2Fw@h", { username: "ann", password: "p@ss/w", address: "redis://h:6379" }],
    ["redis://:secret@h", { username: undefined, password: "secret" }],
    ["rediss://h", { tls: {}, address: "rediss://h:6379" }],
    ["unix:///run/redis.sock?db=1", { path: "/run/redis.sock", db: 1, address: "unix:///run/redis.sock, database 1" }],
    ["/run/redis.sock", { path: "/run/redis.sock", address: "unix:///run/redis.sock" }],
  ])("may be the URL %s", (url, endpoint) => {
    expect(readHosts([url])).toMatchObject([endpoint]);
  });

  test("may be told in parts, of several servers", () => {
    expect(readHosts([{ host: "a", port: 1, password: "x", tls: true }, { path: "/b" }, "redis://c"])).toMatchObject([
      { kind: "server", host: "a", port: 1, password: "x", tls: {} },
      { kind: "server", path: "/b" },
      { kind: "server", host: "c" },
    ]);
  });

  test("may be known to sentinels", () => {
    const [endpoint] = readHosts([{ sentinels: [{ host: "a" }, { host: "b", port: 7 }], name: "main", db: 2 }]);
    expect(endpoint).toMatchObject({
      kind: "sentinel",
      name: "main",
      db: 2,
      sentinels: [
        { host: "a", port: 26379 },
        { host: "b", port: 7 },
      ],
      address: "the master main of the sentinels a:26379, b:7, database 2",
    });
  });

  test("may be a cluster", () => {
    const [endpoint] = readHosts([{ cluster: [{ host: "a" }], password: "x" }]);
    expect(endpoint).toMatchObject({
      kind: "cluster",
      nodes: [{ host: "a", port: 6379 }],
      password: "x",
      address: "the cluster of a:6379",
    });
  });

  test.each<[string, unknown, RegExp]>([
    ["a bare string", "redis://:secret@h", /^hosts is no list of Redis hosts; wanted a list/],
    ["an empty list", [], /^hosts is no list/],
    ["a number", [6379], /^That is no Redis host; got 6379; wanted a URL/],
    ["a list in the list", [["h", 6379]], /^That is no Redis host; wanted a URL/],
    ["text that is no URL", ["secret@h"], /^That is no URL of a Redis host; wanted redis:/],
    ["another scheme", ["http://:secret@h"], /^A Redis host has no scheme "http:"/],
    ["a database that is no number", ["redis://:secret@h/x"], /^The database of a Redis URL is no number/],
    ["an unknown parameter", ["redis://:secret@h?dbb=1"], /^The URL of a Redis host has no parameter "dbb"/],
    ["a malformed percent sign", ["redis://:secret%@h"], /^A Redis URL has a malformed percent sign/],
    ["an unknown option", [{ pasword: "secret" }], /no option "pasword"; did you mean "password"\?/],
    ["an impossible port", [{ port: 70_000 }], /^port is no port; got 70000/],
    ["an empty password", [{ password: "" }], /^password can't be used; wanted a string that is not empty\./],
    ["a password that is no string", [{ password: 7 }], /^password can't be used; wanted a string that is not empty\./],
    ["a negative database", [{ db: -1 }], /^db is no database of Redis; got -1/],
    ["TLS by a string", [{ tls: "yes" }], /^tls can't be used/],
    ["sentinels without a name", [{ sentinels: [{ host: "a" }] }], /^Sentinels need the name/],
    ["no sentinels", [{ sentinels: [], name: "x" }], /^sentinels can't be used/],
    ["a sentinel that is a string", [{ sentinels: ["a"], name: "x" }], /^sentinels can't be used/],
    ["a database of a cluster", [{ cluster: [{ host: "a" }], db: 1 }], /no option "db"/],
  ])("is refused as %s, and no secret is shown", (_, hosts, message) => {
    // What a user of JavaScript may write.
    const error = caught(() => readHosts(hosts as RedisHosts));
    expect(error).toMatchObject({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("secret");
  });
});

describe("the options of a connection", () => {
  test("are seconds outside and milliseconds inside", () => {
    expect(readConnectionOptions({ connectTimeout: 1.5, offlineTimeout: 0 })).toMatchObject({
      connectTimeout: 1500,
      offlineTimeout: 0,
      probeInterval: 2000,
    });
  });

  test.each<[string, unknown]>([
    ["connectTimeout", 0],
    ["offlineTimeout", -1],
    ["probeInterval", Number.NaN],
    ["probeTimeout", "5"],
    ["maxRetryDelay", Infinity],
    ["offlineCommands", 1.5],
    ["offlineBytes", -1],
  ])("refuse %s of %p", (option, value) => {
    // What a user of JavaScript may write.
    const options = { [option]: value } as RedisConnectionOptions;
    expect(() => readConnectionOptions(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining(option) }),
    );
  });
});
