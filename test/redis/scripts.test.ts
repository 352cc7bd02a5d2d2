import { describe, expect, test } from "@jest/globals";
import { Script } from "../../src/redis/scripts.ts";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { makeLink, rejection } from "./support.ts";

noUnhandledRejections();

const append = new Script("redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LRANGE', KEYS[1], 0, -1)");

/** How often Redis was sent a command. */
async function calls(server: RedisServer, command: string): Promise<number> {
  const stats = String(await server.command("INFO", "commandstats"));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe("a script", () => {
  test("runs by its hash, with keys and arguments, and answers texts or bytes", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url, { scripts: [append] });

    expect(await append.run(link, ["list"], ["ä"])).toEqual(["ä"]);
    expect(await append.runBuffer(link, ["list"], [Buffer.from([255])])).toEqual([
      Buffer.from("ä"),
      Buffer.from([255]),
    ]);
    expect(await calls(server, "eval")).toBe(0);
  });

  test("is sent whole, once, where Redis does not know it", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    await append.run(link, ["list"], ["a"]);
    expect(await append.run(link, ["list"], ["b"])).toEqual(["a", "b"]);

    expect([await calls(server, "eval"), await calls(server, "evalsha")]).toEqual([1, 2]);
  });

  test("is taught anew to a Redis that was restarted, so that nothing overtakes it", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url, { scripts: [append] });
    await link.connect();
    await server.restart();
    const answers = await Promise.all(["a", "b", "c"].map((item) => append.run(link, ["list"], [item])));

    expect(answers.at(-1)).toEqual(["a", "b", "c"]);
    expect(await calls(server, "eval")).toBe(0);
  });

  test("rejects with what Redis says of it", async () => {
    await using server = await RedisServer.start();
    await using link = makeLink(server.url);
    await link.call("SET", "key", 1);
    expect(await rejection(append.run(link, ["key"], ["a"]))).toMatchObject({
      code: "ERR_REDIS",
      message: expect.stringContaining("WRONGTYPE"),
    });
  });
});
