import { describe, expect, test } from "@jest/globals";
import { isMillraceError, type LayerRecovered, WebsocketConsumer } from "millrace";
import { RedisPubSubChannelLayer, type RedisPubSubChannelLayerOptions } from "millrace/redis";
import { WebsocketCommunicator } from "millrace/testing";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { type Member, PubSubSite, until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

const site = new PubSubSite();
const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");
const overCapacity = heard("millrace:layer:over-capacity");
const unhandled = heard("millrace:consumer:unhandled");

/** Times that let a test see in a moment what takes seconds in earnest. */
const quick: RedisPubSubChannelLayerOptions = {
  connectTimeout: 1,
  probeInterval: 0.05,
  probeTimeout: 0.2,
  retryDelay: 0.01,
  maxRetryDelay: 0.05,
};

/** The next interval that a member is told of. */
async function told(member: Member): Promise<{ readonly since: number; readonly until: number }> {
  const { since, until } = await member.until(({ type }) => type === "layer.recovered");
  return { since: Number(since), until: Number(until) };
}

async function number(member: Member): Promise<unknown> {
  return (await member.until(({ type }) => type === "test.message"))["number"];
}

describe("RedisPubSubChannelLayer, when Redis restarts,", () => {
  test("has all channels and groups again before it says that it has recovered, and tells the interval", async () => {
    const layer = site.process(quick);
    const members = [await site.member(layer, "room"), await site.member(layer, "room", "other")];
    const before = Date.now();
    await layer.groupSend("room", { type: "test.message", number: 0 });
    for (const member of members) expect(await number(member)).toBe(0);
    await site.server.restart();
    const intervals = await Promise.all(members.map(told));
    const { since = 0, until: end = 0 } = recovered[0] ?? {};
    expect(since).toBeGreaterThanOrEqual(before - 1000);
    expect(end).toBeGreaterThanOrEqual(since);
    expect(intervals).toEqual([
      { since, until: end },
      { since, until: end },
    ]);
    expect(degraded).toEqual([expect.objectContaining({ layer: "redis+pubsub" })]);
    expect(await site.groupSubscriptions("room")).toBe(1);
    await layer.groupSend("room", { type: "test.message", number: 1 });
    await layer.groupSend("other", { type: "test.message", number: 2 });
    const [one, both] = members as [Member, Member];
    await layer.send(one.channel.name, { type: "test.message", number: 3 });
    expect([await number(one), await number(one)]).toEqual([1, 3]);
    expect([await number(both), await number(both)]).toEqual([1, 2]);
  });

  test("keeps what was joined and left between the cuts", async () => {
    const layer = site.process(quick);
    const member = await site.member(layer, "left", "stays");
    const { name } = member.channel;
    for (let cut = 0; cut < 3; cut++) {
      await site.server.stop();
      await member.until(({ type }) => type === "layer.degraded");
      const joined = layer.groupAdd(`joined.${cut}`, name);
      await layer.groupDiscard(cut === 0 ? "left" : `joined.${cut - 1}`, name);
      await site.server.start();
      await Promise.all([joined, told(member)]);
      for (const group of ["left", "stays", "joined.0", "joined.1", "joined.2"]) {
        await layer.groupSend(group, { type: "test.message", number: group });
      }
      expect(await number(member)).toBe("stays");
      expect(await number(member)).toBe(`joined.${cut}`);
    }
    await until(async () => (await site.channels()).length === 2);
    expect(layer.stats()).toMatchObject({ groups: 2, members: 2 });
  });

  test("tells the consumers that have handlers for it, and leaves the others alone", async () => {
    class HearingConsumer extends WebsocketConsumer {
      override readonly groups = ["room"];

      layer_degraded(): void {
        this.send("degraded");
      }

      layer_recovered({ since, until: end }: LayerRecovered): void {
        this.send(`recovered ${since} ${end}`);
      }
    }
    class DeafConsumer extends WebsocketConsumer {
      override readonly groups = ["room"];

      room_ping(): void {
        this.send("ping");
      }
    }
    const layers = { default: site.process(quick) };
    const hearing = new WebsocketCommunicator(HearingConsumer, "/", { layers });
    const deaf = new WebsocketCommunicator(DeafConsumer, "/", { layers });
    await Promise.all([hearing.connect(), deaf.connect()]);
    await site.server.restart();
    expect(await hearing.receiveText(5000)).toBe("degraded");
    const text = await hearing.receiveText(5000);
    expect(text).toBe(`recovered ${recovered[0]?.since} ${recovered[0]?.until}`);
    await layers.default.groupSend("room", { type: "room.ping" });
    expect(await deaf.receiveText()).toBe("ping");
    expect(unhandled.filter(({ type }) => type.startsWith("layer."))).toEqual([]);
    await Promise.all([hearing.disconnect(), deaf.disconnect()]);
  });

  test("publishes that a full channel could not be told", async () => {
    const layer = site.process({ ...quick, capacity: 1 });
    const stuck = new Received(() => new Promise(() => {}));
    const { name } = await layer.newChannel(stuck.subscriber);
    await layer.send(name, { type: "test.message" });
    await stuck.next();
    const member = await site.member(layer);
    await site.server.restart();
    await told(member);
    const refused = { layer: "redis+pubsub", target: name, members: 1 };
    expect(overCapacity).toEqual([
      { ...refused, type: "layer.degraded" },
      { ...refused, type: "layer.recovered" },
    ]);
  });
});

describe("RedisPubSubChannelLayer, when its connections are cut,", () => {
  test("accounts for every message: it came once, or was sent within an interval that was told", async () => {
    await using proxy = await TcpProxy.start(site.server.port);
    const layer = site.process({ ...quick, hosts: [proxy.url], capacity: 100_000 });
    const member = await site.member(layer, "room");
    const sender = site.process();
    const sent: Array<{ readonly from: number; readonly to: number }> = [];
    let connected = 0;
    proxy.onConnection = () => connected++;
    for (let cut = 0; cut < 5; cut++) {
      const { length } = recovered;
      for (let count = 0; count < 50; count++) await send();
      proxy.cut();
      while (recovered.length === length) await send();
    }
    await sender.groupSend("room", { type: "test.last" });
    const received: unknown[] = [];
    const intervals: Array<{ since: number; until: number }> = [];
    await member.until((message) => {
      if (message.type === "test.message") received.push(message["number"]);
      // What the layer tells has both.
      if (message.type === "layer.recovered") intervals.push(message as unknown as { since: number; until: number });
      return message.type === "test.last";
    });
    expect(connected).toBeGreaterThan(0);
    expect(received).toEqual([...new Set(received)].toSorted((a, b) => Number(a) - Number(b)));
    const missing = sent.filter((_times, id) => !received.includes(id));
    // Redis had a message at some time between its call and its answer.
    const unexplained = missing.filter(
      ({ from, to }) => !intervals.some(({ since, until: end }) => since <= to && from <= end),
    );
    expect(intervals).toHaveLength(5);
    expect(missing).not.toEqual([]);
    expect(unexplained).toEqual([]);

    async function send(): Promise<void> {
      const from = Date.now();
      await sender.groupSend("room", { type: "test.message", number: sent.length });
      sent.push({ from, to: Date.now() });
    }
  });

  test("notices a connection that is open but dead, and tells senders what it does not know", async () => {
    await using proxy = await TcpProxy.start(site.server.port);
    const layer = site.process({ ...quick, hosts: [proxy.url] });
    const member = await site.member(layer, "room");
    await layer.groupSend("room", { type: "test.message", number: 0 });
    expect(await number(member)).toBe(0);
    proxy.swallow("answers");
    await expect(layer.groupSend("room", { type: "test.message", number: 1 })).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
    });
    await member.until(({ type }) => type === "layer.degraded");
    proxy.heal();
    await told(member);
    await layer.groupSend("room", { type: "test.message", number: 2 });
    expect(await number(member)).toBe(2);
  });
});

describe("RedisPubSubChannelLayer, while Redis is away,", () => {
  test("refuses after offlineTimeout whatever needs it, with one clear error, and works once it is there", async () => {
    await site.server.stop();
    const layer = site.process({ ...quick, offlineTimeout: 0.05 });
    const attempts = {
      connect: () => layer.connect(),
      newChannel: () => layer.newChannel(() => {}),
      subscribe: () => layer.subscribe("jobs", () => {}),
      send: () => layer.send("jobs", { type: "test.message" }),
      groupSend: () => layer.groupSend("room", { type: "test.message" }),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect([what, isMillraceError(error, "ERR_LAYER_UNAVAILABLE")]).toEqual([what, true]);
      expect(String(error)).toContain(`127.0.0.1:${site.server.port}`);
    }
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
    await site.server.start();
    await layer.connect();
    const member = await site.member(layer, "room");
    await layer.groupSend("room", { type: "test.message", number: 1 });
    expect(await number(member)).toBe(1);
  });

  test("takes a member that could not join out again, and lets it join later", async () => {
    const layer = site.process({ ...quick, offlineTimeout: 0.1 });
    const member = await site.member(layer);
    await site.server.stop();
    await member.until(({ type }) => type === "layer.degraded");
    const adding = Promise.allSettled([1, 2].map(() => layer.groupAdd("room", member.channel.name)));
    for (const { status } of await adding) expect(status).toBe("rejected");
    expect(layer.stats()).toMatchObject({ groups: 0, members: 0 });
    await site.server.start();
    await told(member);
    expect(await site.groupSubscriptions("room")).toBe(0);
    await layer.groupAdd("room", member.channel.name);
    await layer.groupSend("room", { type: "test.message", number: 1 });
    expect(await number(member)).toBe(1);
  });

  test("can be closed: what waits is refused, and nothing is left", async () => {
    const layer = site.process(quick);
    const member = await site.member(layer);
    await site.server.stop();
    await member.until(({ type }) => type === "layer.degraded");
    const waiting = [
      layer.groupAdd("room", member.channel.name),
      layer.groupSend("room", { type: "test.message" }),
      layer.subscribe("jobs", () => {}),
    ];
    const refused = Promise.allSettled(waiting);
    await layer.close();
    for (const outcome of await refused) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ERR_LAYER_CLOSED" } });
    }
    await site.server.start();
  });

  test("is told by a wrong password, at once", async () => {
    await using guarded = await RedisServer.start({ config: ["requirepass secret"], login: { password: "secret" } });
    const { host, port } = guarded;
    await using layer = new RedisPubSubChannelLayer({ ...quick, hosts: [{ host, port, password: "wrong" }] });
    for (const attempt of [() => layer.connect(), () => layer.newChannel(() => {})]) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: "ERR_REDIS", message: expect.stringContaining("WRONGPASS") });
      expect(String(error)).not.toContain('wrong"');
    }
  });
});

test("RedisPubSubChannelLayer on several hosts tells one interval for them all", async () => {
  await using second = await RedisServer.start();
  const layer = site.process({ ...quick, hosts: [site.server.url, second.url] });
  const members = [];
  for (let count = 0; count < 8; count++) members.push(await site.member(layer, `room.${count}`));
  await Promise.all([site.server.stop(), second.stop()]);
  await until(() => degraded.length > 0);
  await site.server.start();
  expect(recovered).toEqual([]);
  await second.start();
  for (const [count, member] of members.entries()) {
    await told(member);
    await layer.groupSend(`room.${count}`, { type: "test.message", number: count });
    expect(await number(member)).toBe(count);
  }
  expect(recovered).toHaveLength(1);
});
