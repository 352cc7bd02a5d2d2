import { describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { PubSubSite, until } from "./pubsub-site.ts";
import { Received } from "./received.ts";

const site = new PubSubSite();
const failures = heard("millrace:layer:error");
const overCapacity = heard("millrace:layer:over-capacity");

const hello = { type: "test.message", text: "Ahoy-hoy!" };

describe("RedisPubSubChannelLayer, from process to process,", () => {
  test("carries a message to one channel", async () => {
    const member = await site.member(site.process());
    await site.process().send(member.channel.name, hello);
    expect(await member.next()).toEqual(hello);
  });

  test("carries many messages to one channel in the order sent", async () => {
    const member = await site.member(site.process({ capacity: 1000 }));
    const sender = site.process();
    const sent = Array.from({ length: 500 }, (_, number) => ({ type: "test.message", number }));
    await Promise.all(sent.map((message) => sender.send(member.channel.name, message)));
    expect(await member.take(500)).toEqual(sent);
  });

  test("carries a message to all members of a group, and to nobody else", async () => {
    const [here, there] = [site.process(), site.process()];
    const members = [
      await site.member(here, "room"),
      await site.member(here, "room"),
      await site.member(there, "room"),
    ];
    const stranger = await site.member(there, "other");
    expect(await site.process().groupSend("room", hello)).toEqual({
      processes: 2,
      delivered: undefined,
      overCapacity: 0,
    });
    for (const member of members) expect(await member.next()).toEqual(hello);
    await here.groupSend("other", { type: "test.last" });
    expect(await stranger.take(1)).toEqual([{ type: "test.last" }]);
  });

  test("tells how many processes a group message was handed to, and 0 when there is none", async () => {
    expect(await site.process().groupSend("empty", hello)).toMatchObject({ processes: 0, delivered: undefined });
  });

  test("shows all members one order, with four processes and eight senders", async () => {
    const processes = Array.from({ length: 4 }, () => site.process({ capacity: 1000 }));
    const members = [];
    for (const layer of processes) members.push(await site.member(layer, "room"), await site.member(layer, "room"));
    const senders = processes.flatMap((layer) => [layer, layer]);
    await Promise.all(
      senders.map(async (layer, sender) => {
        for (let number = 0; number < 50; number++) {
          await layer.groupSend("room", { type: "test.message", sender, number });
        }
      }),
    );
    const [first = [], ...others] = await Promise.all(members.map((member) => member.take(400)));
    for (const other of others) expect(other).toEqual(first);
    for (const sender of senders.keys()) {
      const numbers = first.filter((message) => message["sender"] === sender).map(({ number }) => number);
      expect(numbers).toEqual(Array.from({ length: 50 }, (_, number) => number));
    }
  });

  test("gives each process that subscribes to a named channel each of its messages", async () => {
    const [here, there] = [new Received(), new Received()];
    await site.process().subscribe("jobs", here.subscriber);
    await site.process().subscribe("jobs", there.subscriber);
    await site.process().send("jobs", hello);
    expect([await here.next(), await there.next()]).toEqual([hello, hello]);
  });

  test("tells a sender that nobody receives a channel", async () => {
    const layer = site.process();
    for (const name of ["jobs", "specific.abc!def", `${site.prefix}specific.${"0".repeat(32)}`]) {
      await expect(layer.send(name, hello)).rejects.toMatchObject({
        code: "ERR_CHANNEL_CLOSED",
        message: expect.stringContaining(`Nobody receives the channel ${name}`),
      });
    }
  });

  test("publishes what reaches a process whose channel has ended while another lives", async () => {
    const layer = site.process();
    const ended = await site.member(layer);
    const alive = await site.member(layer);
    await ended.channel.close();
    const sender = site.process();
    await sender.send(ended.channel.name, hello);
    await sender.send(alive.channel.name, hello);
    await alive.next();
    expect(failures).toEqual([
      { layer: "redis+pubsub", error: expect.objectContaining({ code: "ERR_CHANNEL_CLOSED" }) },
    ]);
    expect(ended.all).toEqual([]);
  });

  test("publishes that a channel or a member was full where it is full", async () => {
    const layer = site.process({ capacity: 1 });
    const received = new Received(() => new Promise(() => {}));
    const { name } = await layer.newChannel(received.subscriber);
    await layer.groupAdd("room", name);
    const member = await site.member(layer, "room");
    const sender = site.process();
    await sender.send(name, hello);
    await sender.send(name, hello);
    await sender.groupSend("room", hello);
    await member.next();
    expect(overCapacity).toEqual([
      { layer: "redis+pubsub", target: name, type: "test.message", members: 1 },
      { layer: "redis+pubsub", target: "room", type: "test.message", members: 1 },
    ]);
    expect(received.all).toEqual([hello]);
  });

  test("refuses to add a channel of another process to a group", async () => {
    const member = await site.member(site.process());
    await expect(site.process().groupAdd("room", member.channel.name)).rejects.toMatchObject({
      code: "ERR_CHANNEL_CLOSED",
      message: expect.stringContaining("none of this process"),
    });
    expect(await site.groupSubscriptions("room")).toBe(0);
  });

  test("reads and writes only with the same keys", async () => {
    const reader = await site.member(site.process({ symmetricEncryptionKeys: ["new", "old"] }), "room");
    await site.process({ symmetricEncryptionKeys: ["old"] }).groupSend("room", hello);
    expect(await reader.next()).toEqual(hello);
    await site.process({ symmetricEncryptionKeys: ["foreign"] }).groupSend("room", hello);
    await site.process().groupSend("room", hello);
    await site.process({ symmetricEncryptionKeys: ["new"] }).groupSend("room", { type: "test.last" });
    expect(await reader.next()).toEqual({ type: "test.last" });
    expect(failures).toHaveLength(2);
  });

  test("shares nothing with a layer of another prefix", async () => {
    const member = await site.member(site.process(), "room");
    await site.process({ prefix: `${site.prefix}other` }).groupSend("room", hello);
    await site.process().groupSend("room", { type: "test.last" });
    expect(await member.next()).toEqual({ type: "test.last" });
  });
});

describe("RedisPubSubChannelLayer on the wire", () => {
  test("names channels and groups as channels_redis does", async () => {
    const member = await site.member(site.process(), "room.1");
    expect(member.channel.name).toMatch(new RegExp(`^${site.prefix.replace(".", "\\.")}specific\\.[0-9a-f]{32}$`));
    expect(await site.channels()).toEqual([`${site.prefix}__group__room.1`]);
  });

  test("sends plain MessagePack, without anything before it", async () => {
    const client = new Redis({ host: site.server.host, port: site.server.port, disableClientInfo: true });
    const bodies: Buffer[] = [];
    const both = new Promise<void>((resolve) =>
      client.on("messageBuffer", (_channel: Buffer, body: Buffer) => bodies.push(body) === 2 && resolve()),
    );
    const layer = site.process();
    await client.subscribe("jobs", `${site.prefix}__group__room`);
    const message = { type: "a", b: [1, null] };
    await layer.send("jobs", message);
    await layer.groupSend("room", message);
    await both;
    client.disconnect();
    const written = Buffer.from("82a474797065a161a1629201c0", "hex");
    expect(bodies).toEqual([written, written]);
  });

  test("receives what other writers publish", async () => {
    const member = await site.member(site.process(), "room");
    const body = Buffer.from("82a474797065a161a1629201c0", "hex");
    await site.publish(member.channel.name, body);
    await site.publish(`${site.prefix}__group__room`, body);
    const message = { type: "a", b: [1, null] };
    expect(await member.take(2)).toEqual([message, message]);
  });

  test("drops a body that can't be read with a diagnostic, and the receiver lives", async () => {
    const layer = site.process();
    const member = await site.member(layer, "room");
    const bodies = ["", "78", "8101", "7b7d", "80", "81a474797065", "81a47479706501", "c1c1c1"];
    for (const name of [member.channel.name, `${site.prefix}__group__room`]) {
      await site.publish(name, ...bodies.map((body) => Buffer.from(body, "hex")));
    }
    await layer.groupSend("room", hello);
    expect(await member.next()).toEqual(hello);
    const refused = { layer: "redis+pubsub", error: expect.objectContaining({ code: "ERR_INVALID_MESSAGE" }) };
    expect(failures).toEqual(Array.from({ length: 16 }, () => refused));
  });

  test("gives a message expiry from its arrival on", async () => {
    const times: number[] = [];
    const layer = site.process({ expiry: 30 });
    const received = new Received((_message, expiresAt) => void times.push(expiresAt));
    const { name } = await layer.newChannel(received.subscriber);
    const before = Date.now();
    await layer.send(name, hello);
    await received.next();
    expect(times[0]).toBeGreaterThanOrEqual(before + 30_000);
    expect(times[0]).toBeLessThanOrEqual(Date.now() + 30_000);
  });
});

describe("RedisPubSubChannelLayer subscribes", () => {
  test("once for all channels of a process, and once for a group, however many members it has", async () => {
    const [here, there] = [site.process(), site.process()];
    const before = await site.patterns();
    for (let count = 0; count < 20; count++) await site.member(here, "room");
    for (let count = 0; count < 20; count++) await site.member(there, "room");
    expect((await site.patterns()) - before).toBe(2);
    expect(await site.groupSubscriptions("room")).toBe(2);
    expect(await site.channels()).toHaveLength(1);
  });

  test("before groupAdd settles, for each of those who join at once", async () => {
    const layer = site.process();
    const sender = site.process();
    await sender.connect();
    const members = await Promise.all(Array.from({ length: 10 }, () => site.member(layer)));
    await Promise.all(
      members.map(async (member, number) => {
        await layer.groupAdd("room", member.channel.name);
        await sender.groupSend("room", { type: "test.message", number });
        expect(await member.until((message) => message["number"] === number)).toBeDefined();
      }),
    );
  });

  test("no longer when the last member of a process has left", async () => {
    const layer = site.process();
    const [one, other] = [await site.member(layer, "room"), await site.member(layer, "room")];
    await layer.groupDiscard("room", one.channel.name);
    await layer.groupSend("room", hello);
    expect(await other.next()).toEqual(hello);
    expect(await site.groupSubscriptions("room")).toBe(1);
    await other.channel.close();
    await until(async () => (await site.groupSubscriptions("room")) === 0);
    await one.channel.close();
    await until(async () => (await site.channels()).length === 0);
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("rightly to a group that is left and entered again quickly", async () => {
    const layer = site.process();
    const member = await site.member(layer);
    const { name } = member.channel;
    for (let round = 0; round < 50; round++) {
      const settled = [layer.groupAdd("room", name), layer.groupDiscard("room", name), layer.groupAdd("room", name)];
      if (round % 2 === 0) settled.push(layer.groupDiscard("room", name), layer.groupAdd("room", name));
      await Promise.all(settled);
      await layer.groupSend("room", { type: "test.message", round });
      expect(await member.next()).toEqual({ type: "test.message", round });
      await layer.groupDiscard("room", name);
    }
    await until(async () => (await site.groupSubscriptions("room")) === 0);
  });

  test("not to a group that is left before the subscription was acknowledged", async () => {
    const layer = site.process();
    const member = await site.member(layer);
    await Promise.all([layer.groupAdd("room", member.channel.name), layer.groupDiscard("room", member.channel.name)]);
    expect(layer.stats()).toMatchObject({ groups: 0, members: 0 });
    await until(async () => (await site.groupSubscriptions("room")) === 0);
  });

  test("not for a channel that is closed before the subscription was acknowledged", async () => {
    const layer = site.process();
    const member = await site.member(layer);
    const added = layer.groupAdd("room", member.channel.name);
    await member.channel.close();
    await expect(added).rejects.toMatchObject({ code: "ERR_CHANNEL_CLOSED" });
    await until(async () => (await site.groupSubscriptions("room")) === 0);
  });

  test("and leaves nothing behind after 10,000 joins and leaves", async () => {
    const layer = site.process();
    const before = await site.patterns();
    for (let round = 0; round < 100; round++) {
      const members = await Promise.all(
        Array.from({ length: 100 }, (_, number) => site.member(layer, `room.${number % 10}`)),
      );
      for (const [number, { channel }] of members.entries()) {
        if (number % 2 === 0) await layer.groupDiscard(`room.${number % 10}`, channel.name);
      }
      for (const { channel } of members) await channel.close();
    }
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
    await until(async () => (await site.channels()).length === 0 && (await site.patterns()) <= before);
  });
});

describe("RedisPubSubChannelLayer, when closed,", () => {
  test("leaves no connection and no subscription", async () => {
    const layer = site.process();
    const member = await site.member(layer, "room");
    await layer.subscribe("jobs", member.subscriber);
    await layer.groupSend("room", hello);
    await layer.close();
    await until(async () => (await site.channels()).length === 0 && (await site.patterns()) === 0);
    const clients = String(await site.server.command("CLIENT", "LIST"));
    expect(clients).not.toContain("name=millrace");
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("that was never used has nothing to end", async () => {
    await using layer = new RedisPubSubChannelLayer({ hosts: ["redis://127.0.0.1:1"] });
    await layer.close();
    expect(layer.stats().channels).toBe(0);
  });
});

describe("RedisPubSubChannelLayer refuses", () => {
  // What callers without types may give.
  test.each<[object, RegExp]>([
    [{ host: "x" }, /no option "host".*did you mean "hosts"/],
    [{ hosts: "redis://localhost" }, /hosts is no list/],
    [{ hosts: ["http://localhost"] }, /scheme "http:"/],
    [{ prefix: "my site:" }, /prefix can't stand before/],
    [{ prefix: "x".repeat(41) }, /at most 40/],
    [{ serializer: "yaml" }, /serializer names none/],
    [{ symmetricEncryptionKeys: "secret" }, /symmetricEncryptionKeys is no list/],
    [{ capacity: 0 }, /capacity is no capacity/],
    [{ probeTimeout: -1 }, /probeTimeout is no time/],
  ])("%j", (options, says) => {
    expect(() => new RedisPubSubChannelLayer(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
    );
  });

  test("bytes in JSON, before anybody gets the message", async () => {
    const layer = site.process({ serializer: "json" });
    const member = await site.member(layer, "room");
    const message = { type: "test.message", bytes: new Uint8Array(1) };
    await expect(layer.groupSend("room", message)).rejects.toMatchObject({ code: "ERR_INVALID_MESSAGE" });
    await expect(layer.send(member.channel.name, message)).rejects.toMatchObject({ code: "ERR_INVALID_MESSAGE" });
  });
});
