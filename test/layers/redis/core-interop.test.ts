import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { LayerMessage } from "millrace";
import { RedisChannelLayer, type RedisChannelLayerOptions } from "millrace/redis";
import { RedisServer } from "../../support/redis-server.ts";
import { sha256 } from "../codec/canonical.ts";
import { byteValues, messages, values } from "../codec/messages.ts";
import { Received } from "./received.ts";
import { type PythonLayer, type PythonLayerOptions, PythonProcess } from "./core-peer.ts";

let server: RedisServer;
let python: PythonProcess;
beforeAll(async () => {
  server = await RedisServer.start();
  python = new PythonProcess();
});
afterAll(async () => {
  await python.close();
  await server[Symbol.asyncDispose]();
});

interface Mode {
  readonly hosts: number;
  readonly ours?: RedisChannelLayerOptions;
  readonly theirs?: Partial<PythonLayerOptions>;
}

const modes: Readonly<Record<string, Mode>> = {
  "on one host": { hosts: 1 },
  "on ten hosts": { hosts: 10 },
  "encrypted, on ten hosts": {
    hosts: 10,
    ours: { symmetricEncryptionKeys: ["a key"] },
    theirs: { symmetric_encryption_keys: ["a key"] },
  },
  "encrypted, with the keys half rotated": {
    hosts: 1,
    ours: { symmetricEncryptionKeys: ["a new key", "an old key"] },
    theirs: { symmetric_encryption_keys: ["an old key", "a new key"] },
  },
  "where each channel is a member by itself": { hosts: 10, ours: { aggregate: false } },
};

let made = 0;

/** A layer of each side, which share nothing with other tests. */
async function pair(mode: Mode): Promise<{ ours: RedisChannelLayer; theirs: PythonLayer } & AsyncDisposable> {
  const hosts = Array.from({ length: mode.hosts }, (_, db) => `${server.url}/${db}`);
  const prefix = `pair${made++}.`;
  const ours = new RedisChannelLayer({ hosts, prefix, ...mode.ours });
  const theirs = await python.layer({ hosts, prefix, ...mode.theirs });
  return { ours, theirs, [Symbol.asyncDispose]: () => ours.close() };
}

async function member(layer: RedisChannelLayer, ...groups: readonly string[]): Promise<Received & { name: string }> {
  const inbox = new Received();
  const { name } = await layer.newChannel(inbox.subscriber);
  for (const group of groups) await layer.groupAdd(group, name);
  return Object.assign(inbox, { name });
}

const table: readonly LayerMessage[] = Object.values({ ...values, ...byteValues }).map((value) => ({
  type: "test.value",
  value,
}));

// Once for all modes, because it takes a second.
const hashes = table.map(sha256);

describe.each(Object.entries(modes))("RedisChannelLayer and Python's layer, %s", (_name, mode) => {
  test("send to each other's channels, every one of which is reached", async () => {
    await using both = await pair(mode);
    for (let count = 0; count < 20; count++) {
      const ours = await member(both.ours);
      await both.theirs.send(ours.name, `{"type": "from.python", "number": ${count}}`);
      expect(await ours.next()).toEqual({ type: "from.python", number: count });
      const theirs = await both.theirs.newChannel();
      const message = { type: "from.node", number: count };
      await both.ours.send(theirs, message);
      expect(await both.theirs.receive(theirs)).toEqual([sha256(message)]);
    }
  });

  test("share groups: each side's members get what either side sends, once", async () => {
    await using both = await pair(mode);
    for (const group of ["room.1", "room.2", "lobby"]) {
      const ours = [await member(both.ours, group), await member(both.ours, group)];
      const theirs = await both.theirs.newChannel();
      await both.theirs.groupAdd(group, theirs);
      const message = { type: "from.node", group };
      expect(await both.ours.groupSend(group, message)).toEqual({
        processes: 2,
        delivered: undefined,
        overCapacity: 0,
      });
      await both.theirs.groupSend(group, `{"type": "from.python"}`);
      expect(await both.theirs.receive(theirs, 2)).toEqual([sha256(message), sha256({ type: "from.python" })]);
      for (const inbox of ours) {
        expect(await inbox.take(2)).toEqual([message, { type: "from.python" }]);
        expect(inbox.all).toEqual([]);
      }
    }
  });

  test("carry every value to the other side and back", async () => {
    await using both = await pair(mode);
    const ours = await member(both.ours, "back");
    const theirs = await both.theirs.newChannel();
    const direct = both.theirs.bounce(theirs, table.length, { to: ours.name });
    for (const [index, message] of table.entries()) {
      await both.ours.send(theirs, message);
      expect(sha256(await ours.next())).toBe(hashes[index]);
    }
    expect(await direct).toEqual(hashes);
    await both.theirs.groupAdd("there", theirs);
    const grouped = both.theirs.bounce(theirs, table.length, { group: "back" });
    for (const [index, message] of table.entries()) {
      await both.ours.groupSend("there", message);
      expect(sha256(await ours.next())).toBe(hashes[index]);
    }
    expect(await grouped).toEqual(hashes);
  });

  test("give a job that one sends to one receiver of the other", async () => {
    await using both = await pair(mode);
    const inbox = new Received();
    await both.ours.subscribe("thumbnails", inbox.subscriber);
    for (let number = 0; number < 12; number++) {
      await both.theirs.send("thumbnails", `{"type": "job.run", "number": ${number}}`);
      expect(await inbox.next()).toEqual({ type: "job.run", number });
    }
    for (let number = 0; number < 12; number++) {
      const message = { type: "job.run", number };
      await both.ours.send("emails", message);
      expect(await both.theirs.receive("emails")).toEqual([sha256(message)]);
    }
  });
});

describe("RedisChannelLayer beside Python's layer", () => {
  test("1,000 random messages arrive in Python as they were sent, and 1,000 come back the same", async () => {
    const capacity = 1000;
    await using both = await pair({ hosts: 1, ours: { capacity }, theirs: { capacity } });
    const ours = await member(both.ours, "back");
    const theirs = await both.theirs.newChannel();
    await both.theirs.groupAdd("there", theirs);
    const batches = fc.array(messages, { minLength: 50, maxLength: 50 });
    const property = fc.asyncProperty(batches, fc.boolean(), async (batch, byGroups) => {
      const received = both.theirs.bounce(theirs, batch.length, byGroups ? { group: "back" } : { to: ours.name });
      await Promise.all(
        batch.map(async (message) =>
          byGroups ? both.ours.groupSend("there", message) : both.ours.send(theirs, message),
        ),
      );
      const sent = batch.map(sha256);
      expect(await received).toEqual(sent);
      expect((await ours.take(batch.length)).map(sha256)).toEqual(sent);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  test("a channel that Python adds to a group of which it is a member gets each message once", async () => {
    await using both = await pair({ hosts: 10 });
    const ours = await member(both.ours, "room");
    await both.theirs.groupAdd("room", ours.name);
    for (const number of [1, 2]) await both.theirs.groupSend("room", `{"type": "from.python", "number": ${number}}`);
    await both.ours.groupSend("room", { type: "from.node", number: 3 });
    expect((await ours.take(3)).map(({ number }) => number)).toEqual([1, 2, 3]);
    await both.ours.groupDiscard("room", ours.name);
    expect(await both.ours.groupSend("room", { type: "from.node" })).toMatchObject({ processes: 0 });
    expect(ours.all).toEqual([]);
  });

  test("where each channel is a member by itself, Python can take one out of a group", async () => {
    await using both = await pair({ hosts: 1, ours: { aggregate: false } });
    const goes = await member(both.ours, "room");
    const stays = await member(both.ours, "room");
    await both.theirs.groupDiscard("room", goes.name);
    await both.theirs.groupSend("room", `{"type": "from.python"}`);
    expect(await stays.next()).toEqual({ type: "from.python" });
    expect(goes.all).toEqual([]);
  });

  test("a job that a Python worker had taken and not finished is received, first", async () => {
    await using both = await pair({ hosts: 1 });
    await both.theirs.send("jobs", `{"type": "job.taken"}`);
    await both.theirs.send("jobs", `{"type": "job.next"}`);
    const prefix = `pair${made - 1}.`;
    // What Python's reader does before it hands a message over.
    const move = `local taken = redis.call('ZPOPMIN', KEYS[1]); redis.call('ZADD', KEYS[2], taken[2], taken[1])`;
    await server.command("EVAL", move, 2, `${prefix}jobs`, `${prefix}jobs$inflight`);
    const inbox = new Received();
    await both.ours.subscribe("jobs", inbox.subscriber);
    expect(await inbox.take(2)).toEqual([{ type: "job.taken" }, { type: "job.next" }]);
    expect(await server.command("EXISTS", `${prefix}jobs$inflight`)).toBe(0);
  });
});
