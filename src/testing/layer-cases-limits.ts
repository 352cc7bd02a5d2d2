import { strict as assert } from "node:assert";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { isMillraceError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { assertRefused, type LayerCase, numbered, numbers, range } from "./layer-trial.ts";

/** What happens when a channel is full and when a message is too old. */
export const limitCases: readonly LayerCase[] = [
  {
    name: "what a new channel has not handled counts against its capacity, and then send is refused",
    needs: ["fullSend"],
    async run(trial) {
      const layer = await trial.layer({ capacity: 3 });
      const handled: Array<() => void> = [];
      const inbox = trial.inbox(() => new Promise((resolve) => void handled.push(resolve)));
      const { name } = await layer.newChannel(inbox.subscriber);
      using overCapacity = trial.listen("millrace:layer:over-capacity");
      for (const number of range(3)) {
        await layer.send(name, numbered(number));
        await inbox.next();
      }
      await assertRefused("ERR_CHANNEL_FULL", "send", () => layer.send(name, numbered(3)));
      const { type, layer: kind } = await overCapacity.next(({ target }) => target === name);
      assert.deepEqual([kind, type], [layer.kind, "test.message"]);
      handled[0]?.();
      await trial.until(() => layer.send(name, numbered(4)));
      assert.deepEqual(await inbox.next(), numbered(4));
      await assertRefused("ERR_CHANNEL_FULL", "send", () => layer.send(name, numbered(5)));
    },
  },
  {
    name: "a full member of a group does not get a message, the others do, and it is counted and published",
    async run(trial) {
      const layer = await trial.layer({ capacity: 1 });
      const full = trial.inbox(() => new Promise(() => {}));
      await layer.groupAdd("room", (await layer.newChannel(full.subscriber)).name);
      const members = [await trial.member(layer, "room"), await trial.member(layer, "room")];
      using overCapacity = trial.listen("millrace:layer:over-capacity");
      await layer.groupSend("room", numbered(1));
      await full.next();
      for (const member of members) await member.next();
      await layer.groupSend("room", numbered(2));
      for (const member of members) assert.deepEqual(await member.next(), numbered(2));
      const published = await overCapacity.next(({ target }) => target === "room");
      assert.deepEqual(published, { layer: layer.kind, target: "room", type: "test.message", members: 1 });
      assert.deepEqual(full.waiting, []);
    },
  },
  {
    name: "the report of groupSend counts the full ones, and groupSend does not reject",
    needs: ["fullReport"],
    async run(trial) {
      const layer = await trial.layer({ capacity: 1 });
      const full = trial.inbox(() => new Promise(() => {}));
      await layer.groupAdd("room", (await layer.newChannel(full.subscriber)).name);
      assert.equal((await layer.groupSend("room", numbered(1))).overCapacity, 0);
      await full.next();
      assert.equal((await layer.groupSend("room", numbered(2))).overCapacity, 1);
    },
  },
  {
    name: "a message larger than maxMessageSize is refused before anybody gets it, and one that fits arrives",
    async run(trial) {
      const layer = await trial.layer({ maxMessageSize: 1000 });
      const member = await trial.member(layer, "room");
      await assertRefused("ERR_MESSAGE_TOO_LARGE", "send", () => layer.send(member.channel.name, long(1000)));
      await assertRefused("ERR_MESSAGE_TOO_LARGE", "groupSend", () => layer.groupSend("room", long(1000)));
      await layer.send(member.channel.name, long(900));
      await layer.groupSend("room", long(901));
      assert.deepEqual(await member.next(), long(900));
      assert.deepEqual(await member.next(), long(901));
    },
  },
  {
    name: "a named channel holds as many messages as its capacity allows, and keeps the oldest",
    needs: ["waiting", "fullSend"],
    async run(trial) {
      const layer = await trial.layer({ capacity: 3 });
      assert.equal(await sendUntilFull(layer, "jobs"), 3);
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      assert.deepEqual(numbers(await inbox.take(3)), range(3));
      await trial.until(() => layer.send("jobs", numbered(9)));
      assert.deepEqual(await inbox.next(), numbered(9));
    },
  },
  {
    name: "a channel's capacity is that of the first pattern that matches its name",
    needs: ["waiting", "fullSend"],
    async run(trial) {
      const layer = await trial.layer({
        capacity: 1,
        channelCapacity: [
          ["jobs.*", 2],
          [/jobs/g, 5],
          ["jobs.big", 9],
          ["mail.[!a-c]?", 3],
        ],
      });
      const wanted = { "jobs.big": 2, jobs: 5, jobsite: 5, "old.jobs": 1, "mail.d1": 3, "mail.a1": 1, "mail.d": 1 };
      for (const [channel, capacity] of Object.entries(wanted)) {
        assert.equal(await sendUntilFull(layer, channel), capacity, channel);
      }
    },
  },
  {
    name: "a message that has waited for longer than expiry is dropped and published",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer({ expiry: 0.2 });
      using expired = trial.listen("millrace:message:expired");
      await layer.send("jobs", { type: "job.old" });
      assert.deepEqual(await expired.next(({ channel }) => channel === "jobs"), { channel: "jobs", type: "job.old" });
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.send("jobs", { type: "job.new" });
      assert.deepEqual(await inbox.next(), { type: "job.new" });
    },
  },
  {
    name: "a message expires on one channel, and those on others are received",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer({ expiry: 0.2 });
      const inbox = trial.inbox();
      await layer.subscribe("read", inbox.subscriber);
      using expired = trial.listen("millrace:message:expired");
      for (const channel of ["unread", "read"]) await layer.send(channel, { type: "job.first" });
      await expired.next(({ channel }) => channel === "unread");
      for (const channel of ["unread", "read"]) await layer.send(channel, { type: "job.second" });
      assert.deepEqual(await inbox.take(2), [{ type: "job.first" }, { type: "job.second" }]);
      await expired.next(({ channel, type }) => channel === "unread" && type === "job.second");
    },
  },
];

/** A message a little larger than it has characters. */
function long(characters: number): LayerMessage {
  return { type: "test.message", text: "x".repeat(characters) };
}

/** Sends until the channel is full, and says how many messages it took. */
async function sendUntilFull(layer: ChannelLayer, channel: string): Promise<number> {
  for (let number = 0; number < 100; number++) {
    try {
      await layer.send(channel, numbered(number));
    } catch (error) {
      if (isMillraceError(error, "ERR_CHANNEL_FULL")) return number;
      throw error;
    }
  }
  return assert.fail(`${channel} took 100 messages and was not full`);
}
