import { describe, expect, test } from "@jest/globals";
import { RedisChannelLayer } from "millrace/redis";
import { freePort } from "../../support/free-port.ts";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { Received } from "./received.ts";

const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");

/** Tries again until it is so; the test's own time limit bounds the wait. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => void setImmediate(resolve));
}

describe("RedisChannelLayer", () => {
  test("refuses what is sent while Redis is down from the start, and closes at once", async () => {
    const layer = new RedisChannelLayer({ hosts: [`redis://127.0.0.1:${await freePort()}`], offlineTimeout: 0.1 });
    const channel = await layer.newChannel(() => {});
    await layer.subscribe("jobs", () => {});
    const refused = expect.objectContaining({ code: "ERR_LAYER_UNAVAILABLE" });
    await expect(layer.connect()).rejects.toEqual(refused);
    await expect(layer.groupAdd("room", channel.name)).rejects.toEqual(refused);
    await expect(layer.groupSend("room", { type: "a.b" })).rejects.toEqual(refused);
    await expect(layer.send("jobs", { type: "a.b" })).rejects.toEqual(refused);
    expect(layer.stats().memberships).toBe(0);
    const since = performance.now();
    await layer.close();
    expect(performance.now() - since).toBeLessThan(4000);
  });

  test("notices a Redis that is frozen, and gets afterwards what waits for it", async () => {
    await using server = await RedisServer.start();
    const options = { hosts: [server.url], probeInterval: 0.1, probeTimeout: 0.3, offlineTimeout: 10 };
    await using layer = new RedisChannelLayer(options);
    const inbox = new Received();
    const channel = await layer.newChannel(inbox.subscriber);
    await layer.groupAdd("room", channel.name);
    server.freeze();
    const frozen = Date.now();
    await until(() => degraded.length > 0);
    const sending = layer.groupSend("room", { type: "a.b" });
    server.thaw();
    await sending;
    await until(() => recovered.length > 0);
    await until(() => inbox.all.some(({ type }) => type === "a.b"));
    expect(recovered[0]?.since).toBeLessThanOrEqual(frozen);
    expect(inbox.all.filter(({ type }) => type === "a.b")).toHaveLength(1);
  });

  test("ends its readers at once, and puts nothing of what waits at risk", async () => {
    await using server = await RedisServer.start();
    const layer = new RedisChannelLayer({ hosts: [server.url] });
    await layer.connect();
    await layer.newChannel(() => {});
    const inbox = new Received();
    const reader = await layer.subscribe("jobs", inbox.subscriber);
    await layer.send("jobs", { type: "job.first" });
    await inbox.next();
    const since = performance.now();
    await Promise.all([reader.close(), layer.send("jobs", { type: "job.second" })]);
    expect(inbox.all).toEqual([]);
    expect(await server.command("ZCARD", "asgijobs")).toBe(1);
    await layer.close();
    expect(performance.now() - since).toBeLessThan(4000);
    expect(await server.command("KEYS", "*")).toEqual(["asgijobs"]);
    const clients = String(await server.command("CLIENT", "LIST"));
    expect(clients).not.toContain("millrace");
  });
});
