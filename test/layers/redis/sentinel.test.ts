import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { ChannelLayer, LayerMessage } from "millrace";
import {
  RedisChannelLayer,
  type RedisConnectionOptions,
  type RedisHosts,
  RedisPubSubChannelLayer,
} from "millrace/redis";
import { disposeAll, type RedisServer } from "../../support/redis-server.ts";
import { type SentinelSet, startSentinelSet } from "../../support/redis-sentinel.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();
// Sentinels leave some seconds between two failovers, and more on a busy machine.
jest.setTimeout(120_000);

/** Times that let a test see in a moment what takes seconds in earnest. */
const quick: RedisConnectionOptions = {
  connectTimeout: 1,
  probeInterval: 0.1,
  probeTimeout: 0.5,
  retryDelay: 0.01,
  maxRetryDelay: 0.1,
};

let set: SentinelSet;
beforeAll(async () => {
  set = await startSentinelSet();
});
let torn: RedisServer | undefined;
afterEach(async () => {
  await torn?.command("CONFIG", "SET", "min-replicas-to-write", 0);
  if (torn !== undefined) await set.mend(torn);
  torn = undefined;
});
afterAll(() => set[Symbol.asyncDispose]());

/** A member of a room, with all that it was told. */
async function member(layer: ChannelLayer, room: string) {
  const all: LayerMessage[] = [];
  const channel = await layer.newChannel((message) => void all.push(message));
  await layer.groupAdd(room, channel.name);
  return {
    name: channel.name,
    /** Settles when a message of the type has come that was not there before, and gives it. */
    async next(type: string): Promise<LayerMessage> {
      const isIt = (message: LayerMessage): boolean => message.type === type;
      await until(() => all.some(isIt));
      const [message] = all.splice(all.findIndex(isIt), 1);
      return message ?? { type };
    },
    count: (type: string): number => all.filter((message) => message.type === type).length,
  };
}

describe.each([
  [
    "pub/sub",
    (hosts: RedisHosts, options: RedisConnectionOptions = quick) => new RedisPubSubChannelLayer({ ...options, hosts }),
  ],
  [
    "core",
    (hosts: RedisHosts, options: RedisConnectionOptions = quick) => new RedisChannelLayer({ ...options, hosts }),
  ],
])("the %s layer on a master that sentinels know", (kind, make) => {
  const room = `room.${kind.replace("/", "")}`;

  test("has its memberships, its channels and the receivers of named ones again after a failover", async () => {
    await using layer = make([set.host]);
    await using other = make([set.host]);
    const here = await member(layer, room);
    const jobs = new Received();
    await layer.subscribe(`jobs.${room}`, jobs.subscriber);
    await set.failover();
    await here.next("layer.recovered");
    await until(async () => (await other.groupSend(room, { type: "to.group" }).catch(() => undefined)) !== undefined);
    await here.next("to.group");
    await other.send(here.name, { type: "to.one" });
    await here.next("to.one");
    await other.send(`jobs.${room}`, { type: "to.jobs" });
    expect(await jobs.until(({ type }) => type === "to.jobs")).toEqual({ type: "to.jobs" });
    const late = await member(layer, room);
    await other.groupSend(room, { type: "to.all" });
    await Promise.all([here.next("to.all"), late.next("to.all")]);
    expect(here.count("to.all")).toBe(0);
  });

  test("tells until when others may have been elsewhere, though a connection is lost again before", async () => {
    await using layer = make([set.host], { ...quick, probeInterval: 4 });
    const here = await member(layer, room);
    await set.failover();
    const next = await set.master();
    const moved = async (): Promise<boolean> => String(await next.command("CLIENT", "LIST")).includes("name=millrace");
    await until(moved);
    const since = Date.now();
    await next.command("CLIENT", "KILL", "TYPE", "normal");
    await next.command("CLIENT", "KILL", "TYPE", "pubsub");
    const { until: end } = await here.next("layer.recovered");
    // Two seconds for the sentinels, and an interval for others to ask them.
    expect(Number(end) - since).toBeGreaterThan(4000);
  });

  test("leaves a master that was given up as soon as it hears of it, and tells all of the time before", async () => {
    const ways = await Promise.all(set.sentinels.map(({ port }) => TcpProxy.start(port)));
    await using allWays = { ways, [Symbol.asyncDispose]: () => disposeAll(ways) };
    const sentinels = allWays.ways.map(({ host, port }) => ({ host, port }));
    await using cutOff = make([{ ...set.host, sentinels }]);
    await using layer = make([set.host]);
    const [there, here] = [await member(cutOff, room), await member(layer, room)];
    await cutOff.groupSend(room, { type: "to.all" });
    await Promise.all([here.next("to.all"), there.next("to.all")]);
    const old = await set.master();
    for (const way of ways) {
      way.refuse();
      way.cut();
    }
    const cut = Date.now();
    torn = old;
    await set.failover(() => set.tear(old));
    await here.next("layer.recovered");
    await layer.groupSend(room, { type: "on.new" });
    await here.next("on.new");
    // Nobody has told this process, for which the old master is as well as ever.
    await cutOff.groupSend(room, { type: "on.old" });
    await there.next("on.old");
    expect(there.count("layer.degraded")).toBe(0);
    await old.command("CONFIG", "SET", "min-replicas-to-write", 1);
    const sending = cutOff.groupSend(room, { type: "to.nobody" }).then(
      () => "published",
      (error: unknown) => String(error),
    );
    expect(await sending).toMatch(kind === "core" ? /NOREPLICAS.*min-replicas-to-write/s : /^published$/);
    for (const way of ways) way.heal();
    const healed = Date.now();
    const told = await there.next("layer.recovered");
    await layer.groupSend(room, { type: "to.all" });
    await Promise.all([here.next("to.all"), there.next("to.all")]);

    expect(told["since"]).toBeLessThanOrEqual(cut);
    expect(told["until"]).toBeGreaterThan(healed);
    // On core it waited in the queue that the new master knows.
    expect(there.count("on.new")).toBeLessThanOrEqual(kind === "core" ? 1 : 0);
    expect(here.count("on.old")).toBe(0);
  });
});
