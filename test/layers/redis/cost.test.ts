import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { RedisServer } from "../../support/redis-server.ts";
import { Received } from "./received.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const message = { type: "chat.message", text: "x".repeat(64) };
const sends = 20;
let made = 0;

/** What Redis has done for all sends together. What is done even when nobody sends is left out. */
interface Cost {
  readonly calls: Readonly<Record<string, number>>;
  readonly bytesOut: number;
}

/** A group with as many members in each of several processes, of which the first sends. */
async function costOf(
  make: (options: { hosts: string[]; prefix: string }) => ChannelLayer,
  processes: number,
  membersEach: number,
): Promise<Cost> {
  const options = { hosts: [server.url], prefix: `cost${made++}.` };
  const layers = Array.from({ length: processes }, () => make(options));
  try {
    const received = layers.map(() => new Received());
    for (const [index, layer] of layers.entries()) {
      for (let member = 0; member < membersEach; member++) {
        const channel = await layer.newChannel((received[index] as Received).subscriber);
        await layer.groupAdd("room", channel.name);
      }
    }
    const send = async (): Promise<void> => {
      await layers[0]?.groupSend("room", message);
      for (const one of received) await one.take(membersEach);
    };
    // Redis learns scripts and connections are made.
    await send();
    const before = await count();
    for (let sent = 0; sent < sends; sent++) await send();
    const after = await count();
    return costBetween(before, after, await count());
  } finally {
    for (const layer of layers) await layer.close();
  }
}

async function count(): Promise<Cost> {
  const info = `${String(await server.command("INFO", "commandstats"))}${String(await server.command("INFO", "stats"))}`;
  const calls = [...info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, number]) => [name, Number(number)]);
  return {
    // Pairs of a name and a number.
    calls: Object.fromEntries(calls) as Record<string, number>,
    bytesOut: Number(/^total_net_output_bytes:(\d+)/m.exec(info)?.[1]),
  };
}

/** What this file itself asks, and how connections are probed. */
const besides = new Set(["hello", "info", "client|setinfo", "client|setname", "role", "ping", "script|load"]);

/** @param idle was counted right after `after`, and says what counting costs. */
function costBetween(before: Cost, after: Cost, idle: Cost): Cost {
  const grown = Object.entries(after.calls)
    .map(([name, calls]): [string, number] => [name, calls - (before.calls[name] ?? 0)])
    .filter(([name, calls]) => calls > 0 && !besides.has(name));
  const bytesOut = after.bytesOut - before.bytesOut - (idle.bytesOut - after.bytesOut);
  return { calls: Object.fromEntries(grown), bytesOut };
}

describe("a message to a group, on the pub/sub layer", () => {
  const make = (options: object): ChannelLayer => new RedisPubSubChannelLayer(options);

  test.each([
    [1, 1],
    [1, 100],
    [4, 1],
    [4, 100],
  ])("is one PUBLISH for %i processes with %i members each", async (processes, membersEach) => {
    const { calls } = await costOf(make, processes, membersEach);
    expect(calls).toEqual({ publish: sends });
  });

  test("goes out of Redis once for each process, however many members it has", async () => {
    // What one PUBLISH hands to a subscriber, and the answer to its sender.
    const channel = (index: number): string => `cost${index}.__group__room`;
    const body = 1 + 5 + 1 + message.type.length + 5 + 2 + message.text.length;
    const handedOver = (index: number): number =>
      `*3\r\n$7\r\nmessage\r\n$${channel(index).length}\r\n${channel(index)}\r\n$${body}\r\n`.length + body + 2;
    for (const [processes, membersEach] of [
      [1, 1],
      [1, 50],
      [4, 50],
    ] as const) {
      const index = made;
      const { bytesOut } = await costOf(make, processes, membersEach);
      const perSend = processes * handedOver(index) + ":1\r\n".length;
      // A probe of a connection may be among it.
      expect(Math.abs(bytesOut / sends - perSend)).toBeLessThan(10);
    }
  });
});

describe("a message to a group, on the core layer", () => {
  const make = (options: object): ChannelLayer => new RedisChannelLayer(options);

  /** The calls that sending makes; readers ask once more now and then, when they find nothing. */
  const sending = ["evalsha", "zadd", "zcount", "zrange", "zremrangebyscore"] as const;
  const callsOfSending = async (processes: number, membersEach: number): Promise<readonly number[]> => {
    const { calls } = await costOf(make, processes, membersEach);
    return sending.map((name) => (calls[name] ?? 0) / sends);
  };

  test.each([1, 100])("is one ZADD for each process, for %i members in each", async (membersEach) => {
    expect(await callsOfSending(1, membersEach)).toEqual([2, 1, 1, 1, 1]);
    expect(await callsOfSending(4, membersEach)).toEqual([2, 4, 4, 1, 1]);
  });

  test("is taken off a process's queue once, however many members it has", async () => {
    const { calls } = await costOf(make, 1, 100);
    // A reader whose wait is over asks anew, at most every two seconds.
    expect((calls["bzpopmin"] ?? 0) / sends).toBeLessThan(1.5);
  });
});
