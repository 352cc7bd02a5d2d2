import { describe, expect, test } from "@jest/globals";
import type { LayerMessage } from "millrace";
import { RedisChannelLayer, type RedisChannelLayerOptions } from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

const recovered = heard("millrace:layer:recovered");
const errors = heard("millrace:layer:error");

/** Times that let a test see in a moment what takes seconds in earnest. */
const quick: RedisChannelLayerOptions = {
  connectTimeout: 1,
  probeInterval: 0.05,
  probeTimeout: 0.2,
  retryDelay: 0.01,
  maxRetryDelay: 0.05,
};

/** A layer that reaches Redis by a way that can be troubled, and one that reaches it straight. */
async function twoProcesses(server: RedisServer, options: RedisChannelLayerOptions = {}) {
  const proxy = await TcpProxy.start(server.port);
  const receiver = new RedisChannelLayer({ ...quick, ...options, hosts: [proxy.url] });
  const sender = new RedisChannelLayer({ ...quick, ...options, hosts: [server.url] });
  const close = async (): Promise<void> => {
    await Promise.all([receiver.close(), sender.close()]);
    await proxy[Symbol.asyncDispose]();
  };
  return { proxy, receiver, sender, [Symbol.asyncDispose]: close };
}

async function member(layer: RedisChannelLayer, handle?: (message: LayerMessage) => void): Promise<Received> {
  const inbox = new Received(handle);
  const { name } = await layer.newChannel(inbox.subscriber);
  await layer.groupAdd("room", name);
  return inbox;
}

function numbersOf(inbox: Received): unknown[] {
  return inbox.all.filter(({ type }) => type === "a.b").map(({ number }) => number);
}

/** The connections of readers that wait. */
async function clientsOf(server: RedisServer): Promise<readonly string[]> {
  const clients = String(await server.command("CLIENT", "LIST")).split("\n");
  return clients.filter((client) => client.includes("millrace-core-reader") && client.includes("cmd=bzpopmin"));
}

/** Whether a time lies in an interval that was told. */
function isTold(time: number): boolean {
  return recovered.some(({ since, until: end }) => since <= time && time <= end);
}

describe("RedisChannelLayer, of what Redis or the way to it loses,", () => {
  test("delivers nothing twice when Redis goes back to a time before a message was taken", async () => {
    await using server = await RedisServer.start();
    await using processes = await twoProcesses(server);
    const { proxy, receiver, sender } = processes;
    const inbox = await member(receiver);
    proxy.refuse();
    proxy.cut();
    await inbox.until(({ type }) => type === "layer.degraded");
    await sender.groupSend("room", { type: "a.b", number: 1 });
    await server.command("SAVE");
    proxy.heal();
    await inbox.until(({ type }) => type === "a.b");
    await server.kill();
    await server.start();
    expect(await server.command("KEYS", "*!")).toHaveLength(1);
    await until(async () => (await sender.groupSend("room", { type: "a.b", number: 2 }).catch(() => {})) !== undefined);
    const next = await inbox.until(({ type }) => type === "a.b");
    expect(next["number"]).toBe(2);
  });

  test("tells of messages that were sent long before those that it took last", async () => {
    await using server = await RedisServer.start();
    await using processes = await twoProcesses(server, { capacity: 1000, probeTimeout: 5 });
    const { proxy, receiver, sender } = processes;
    const got = new Set<unknown>();
    // In the second batch that a process takes at once, after which the third one is lost.
    await member(receiver, ({ type, number }) => {
      if (type === "a.b" && got.add(number).size === 130) proxy.swallow("answers");
    });
    // Each batch takes its time, so that all others wait in Redis.
    proxy.delay(150);
    const answered: number[] = [];
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    await Promise.all(
      numbers.map(async (number) => {
        await sender.groupSend("room", { type: "a.b", number });
        answered[number] = Date.now();
      }),
    );
    const [queue = ""] = (await server.command("KEYS", "*!")) as string[];
    await until(async () => got.size >= 130 && Number(await server.command("ZCARD", queue)) < 500 - got.size);
    proxy.cut();
    proxy.heal();
    await until(() => recovered.length > 0);
    await sender.groupSend("room", { type: "a.b", number: 500 });
    await until(() => got.has(500));
    const missing = numbers.filter((number) => !got.has(number));
    expect(missing.length).toBeGreaterThan(0);
    expect(missing.filter((number) => !isTold(answered[number] ?? 0))).toEqual([]);
  });

  test("tells of what Redis hands to a connection that only it believes in", async () => {
    await using server = await RedisServer.start();
    await using processes = await twoProcesses(server);
    const { proxy, receiver, sender } = processes;
    const inbox = await member(receiver);
    const sent: number[] = [];
    const readers = (await clientsOf(server)).length;
    proxy.abandon();
    // A reader is there again, and behind the one that is not.
    await until(async () => (await clientsOf(server)).length > readers);
    await send();
    await until(() => recovered.length > 0);
    await send();
    await send();
    await until(() => numbersOf(inbox).includes(2));
    const got = new Set(numbersOf(inbox));
    const missing = sent.filter((_, number) => !got.has(number));
    expect(missing).toHaveLength(1);
    expect(missing.filter((time) => !isTold(time))).toEqual([]);

    async function send(): Promise<void> {
      await sender.groupSend("room", { type: "a.b", number: sent.length });
      sent.push(Date.now());
    }
  });

  test("has no error for a loss that its condition tells", async () => {
    await using server = await RedisServer.start();
    await using processes = await twoProcesses(server, { lease: 0.3 });
    const { receiver } = processes;
    const inbox = await member(receiver);
    await receiver.groupSend("room", { type: "a.b" });
    server.freeze();
    await inbox.until(({ type }) => type === "layer.degraded");
    server.thaw();
    await until(() => recovered.length > 0);
    expect(errors).toEqual([]);
  });
});
