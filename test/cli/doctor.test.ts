import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Examination } from "../../src/layers/examination.ts";
import { RedisServer } from "../support/redis-server.ts";
import { millrace } from "./command-line.ts";
import { Project } from "./project.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start({ config: ["requirepass a-secret"], login: { password: "a-secret" } });
});
afterAll(() => redis[Symbol.asyncDispose]());
afterEach(async () => {
  for (const [name, value] of [
    ["maxmemory-policy", "noeviction"],
    ["maxmemory", "0"],
    ["timeout", "0"],
  ] as const) {
    await redis.command("CONFIG", "SET", name, value);
  }
});

const url = (layer: "core" | "pubsub"): string => `redis+${layer}://:a-secret@127.0.0.1:${redis.port}`;

describe("millrace doctor", () => {
  test("prints a line for each check and ends with 0 where nothing is amiss", async () => {
    const { code, output, errors } = await millrace(["doctor", "--layer", url("pubsub")]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    const told = output.replaceAll(/:\d{4,5}/g, ":PORT").replaceAll(/\d+\.\d+\.\d+(?!\.)/g, "7.0.0");
    expect(
      `\n${told
        .replace(/\d+\.\d MiB/, "1 MiB")
        .replace(/[\d.]+ s \w+( of)? this.*/, "CLOCK")
        .replace(/[\d.]+ ms/, "1 ms")}`,
    ).toMatchInlineSnapshot(`
"
redis+pubsub, prefix "asgi"

redis://127.7.0.0:PORT, Redis 7.0.0, master, standalone
  ok       version                            7.0.0
  ok       role                               master
  ok       mode                               standalone
  ok       clock                              CLOCK
  ok       maxmemory-policy                   noeviction
  ok       memory                             1 MiB used, without a limit
  ok       client-output-buffer-limit pubsub  32 MiB, 8 MiB for 60 s
  ok       timeout                            0: idle connections stay
  ok       tcp-keepalive                      300 s
  ok       persistence                        the last save succeeded, or there was none
  ok       rights                             the user may do what the layer does
  ok       other layer                        none of its groups was found under this prefix

  ok       message                            one to a group arrived after 1 ms

Nothing is amiss.
"
`);
  });

  test("ends with 1 and says what to do where messages would be lost", async () => {
    await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await redis.command("CONFIG", "SET", "maxmemory", "100mb");
    const { code, output } = await millrace(["doctor"], { environment: { CHANNEL_LAYER_URL: url("core") } });
    expect(output).toMatch(/^ {2}ERROR {4}maxmemory-policy +allkeys-lru: .*\n +→ Set it to noeviction, .*\.?$/m);
    expect(output).toMatch(/^1 error, 0 warnings: messages would be lost\.$/m);
    expect(code).toBe(1);
  });

  test("ends with 0 where something may hurt", async () => {
    await redis.command("CONFIG", "SET", "timeout", "5");
    const { code, output } = await millrace(["doctor", "--layer", url("core")]);
    expect(output).toMatch(/^ {2}warning {2}timeout +5 s: /m);
    expect(output).toMatch(/^1 warning\.$/m);
    expect(code).toBe(0);
  });

  test("prints the same as JSON", async () => {
    await redis.command("CONFIG", "SET", "timeout", "5");
    const { code, output } = await millrace(["doctor", "--json", "--layer", url("core")]);
    const { layer, servers, delivery } = JSON.parse(output) as Examination;
    expect({ code, layer, level: delivery.level }).toEqual({ code: 0, layer: "redis+core", level: "ok" });
    expect(servers).toMatchObject([{ address: `redis://127.0.0.1:${redis.port}`, role: "master" }]);
    expect(servers[0]?.findings.find(({ check }) => check === "timeout")).toMatchObject({ level: "warning" });
  });

  test("never prints a password, also where Redis refuses it", async () => {
    const refused = await millrace(["doctor", "--layer", url("core").replace("a-secret", "b-secret")]);
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/^ {2}ERROR {4}reach +.*WRONGPASS/m);
    const taken = await millrace(["doctor", "--json", "--layer", url("core")]);
    const wrong = await millrace(["doctor", "--trace", "--layer", `${url("core")}/0?prefixx=1`]);
    for (const { output, errors } of [refused, taken, wrong]) expect(output + errors).not.toContain("secret");
  });

  test("examines the layer that a module exports, with all its hosts", async () => {
    await using other = await RedisServer.start();
    using project = new Project({
      "app.mjs": `import { WebsocketConsumer } from "millrace";
        import { RedisPubSubChannelLayer } from "millrace/redis";
        export default WebsocketConsumer;
        const hosts = [{ host: "127.0.0.1", port: ${redis.port}, password: "a-secret" }, "${other.url}"];
        export const layers = { default: new RedisPubSubChannelLayer({ hosts }) };`,
    });
    const { code, output } = await millrace(["doctor", "app.mjs"], { folder: project.folder });
    for (const { port } of [redis, other])
      expect(output).toMatch(new RegExp(`^redis://127.0.0.1:${port}, Redis `, "m"));
    expect(code).toBe(0);
  });

  test("says that a layer in memory leaves nothing to examine", async () => {
    expect(await millrace(["doctor"])).toEqual({
      code: 0,
      output: expect.stringMatching(/^The channel layer is memory, .*nothing to examine\. .*\n$/),
      errors: "",
    });
    const { output } = await millrace(["doctor", "--json"]);
    expect(JSON.parse(output)).toEqual({ layer: "memory", servers: [] });
  });

  test("says in one line that a URL is none", async () => {
    const { code, errors } = await millrace(["doctor", "--layer", "postgres://localhost"]);
    expect(errors).toMatch(/^millrace: That is no URL of a channel layer[^\n]*\n$/);
    expect(code).toBe(1);
  });
});
