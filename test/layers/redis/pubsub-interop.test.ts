import { beforeEach, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { RedisPubSubChannelLayer } from "millrace/redis";
import { heard } from "../../support/heard.ts";
import { sha256 } from "../codec/canonical.ts";
import { byteValues, messages, values } from "../codec/messages.ts";
import { PubSubPeer } from "./pubsub-peer.ts";
import { type Member, PubSubSite } from "./pubsub-site.ts";

const failures = heard("millrace:layer:error");
const hello = { type: "test.message", text: "Ahoy-hoy!" };
const table = Object.entries({ ...values, ...byteValues }).map(([what, value]) => ({
  type: "test.value",
  what,
  value,
}));
// Once for all hosts, because it takes a second.
const tableHashes = table.map(sha256);

describe.each([
  ["on one host", 1],
  ["on ten hosts", 10],
])("with channels_redis on the other side, %s,", (_where, hostCount) => {
  const site = new PubSubSite(hostCount);
  let layer: RedisPubSubChannelLayer;
  let member: Member;

  beforeEach(async () => {
    layer = site.process({ capacity: 10_000 });
    member = await site.member(layer, "room");
  });

  test("each sends to a channel of the other", async () => {
    await using python = new PubSubPeer(site);
    const channel = await python.newChannel();
    await layer.send(channel, hello);
    expect(await python.receive(channel, 1)).toEqual([sha256(hello)]);
    for (let count = 0; count < 20; count++) {
      const one = await site.member(layer);
      await python.send(one.channel.name, { type: "test.message", count });
      expect(await one.next()).toEqual({ type: "test.message", count });
    }
  });

  test("both are members of one group, whoever sends", async () => {
    await using python = new PubSubPeer(site);
    const channel = await python.newChannel();
    for (const group of ["room", "room.2", "a", "b", "c", "d"]) {
      await layer.groupAdd(group, member.channel.name);
      await python.groupAdd(group, channel);
      const fromHere = { ...hello, group, from: "here" };
      const fromThere = { ...hello, group, from: "there" };
      expect(await layer.groupSend(group, fromHere)).toMatchObject({ processes: 2 });
      expect(await python.receive(channel, 1)).toEqual([sha256(fromHere)]);
      await python.groupSend(group, fromThere);
      expect(await python.receive(channel, 1)).toEqual([sha256(fromThere)]);
      expect(await member.take(2)).toEqual([fromHere, fromThere]);
    }
    await python.groupDiscard("room", channel);
    await layer.groupSend("room", hello);
    await layer.send(channel, { type: "test.last" });
    expect(await python.receive(channel, 1)).toEqual([sha256({ type: "test.last" })]);
  });

  test("a table of values arrives the same there, and comes back the same, by channels and by groups", async () => {
    await using python = new PubSubPeer(site);
    const channel = await python.newChannel();
    const home = await site.member(layer);
    const sent = table.map(async (message) => layer.send(channel, message));
    const hashes = await python.receive(channel, table.length, { to: home.channel.name, to_group: "room" });
    await Promise.all(sent);
    expect(hashes).toEqual(tableHashes);
    // By their hashes here too: to compare lists and maps of 65,536 takes a test runner seconds.
    expect((await home.take(table.length)).map(sha256)).toEqual(tableHashes);
    expect((await member.take(table.length)).map(sha256)).toEqual(tableHashes);
    expect(failures).toEqual([]);
  });

  test("1,000 random messages arrive the same there, and come back the same", async () => {
    await using python = new PubSubPeer(site);
    const channel = await python.newChannel();
    await python.groupAdd("there", channel);
    const batches = fc.array(messages, { minLength: 50, maxLength: 50 });
    const property = fc.asyncProperty(batches, fc.boolean(), async (batch, byGroups) => {
      const hashes = python.receive(
        channel,
        batch.length,
        byGroups ? { to_group: "room" } : { to: member.channel.name },
      );
      await Promise.all(
        batch.map(async (message) => (byGroups ? layer.groupSend("there", message) : layer.send(channel, message))),
      );
      const sent = batch.map(sha256);
      expect(await hashes).toEqual(sent);
      expect((await member.take(batch.length)).map(sha256)).toEqual(sent);
    });
    await fc.assert(property, { numRuns: 20 });
    expect(failures).toEqual([]);
  });
});
