import { strict as assert } from "node:assert";
import { assertRefused, type LayerCase, numbered, numbers, range } from "./layer-trial.ts";

/** Who is in a group, who gets what is sent to it, and in what order. */
export const groupCases: readonly LayerCase[] = [
  {
    name: "every member of a group gets its messages, once, and nobody else does",
    async run(trial) {
      const layer = await trial.layer();
      const members = [];
      for (let count = 0; count < 50; count++) members.push(await trial.member(layer, "room"));
      const stranger = await trial.member(layer, "other");
      const report = await layer.groupSend("room", numbered(1));
      assertDelivered(report.delivered, 50);
      assert.equal(report.overCapacity, 0);
      await layer.groupSend("room", numbered(2));
      await layer.groupSend("other", numbered(3));
      for (const member of members) {
        assert.deepEqual(numbers(await member.take(2)), [1, 2]);
        assert.deepEqual(member.waiting, []);
      }
      assert.deepEqual(await stranger.next(), numbered(3));
    },
  },
  {
    name: "a member that was added twice gets a message once",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room", "room");
      await layer.groupSend("room", numbered(1));
      await layer.groupSend("room", numbered(2));
      assert.deepEqual(numbers(await member.take(2)), [1, 2]);
      await layer.groupDiscard("room", member.channel.name);
      await layer.groupSend("room", numbered(3));
      await layer.send(member.channel.name, numbered(4));
      assert.deepEqual(await member.next(), numbered(4));
    },
  },
  {
    name: "a member that was discarded gets nothing more; the others do",
    async run(trial) {
      const layer = await trial.layer();
      const stays = await trial.member(layer, "room");
      const goes = await trial.member(layer, "room");
      await layer.groupDiscard("room", goes.channel.name);
      await layer.groupSend("room", numbered(1));
      await layer.send(goes.channel.name, numbered(2));
      assert.deepEqual(numbers([await stays.next(), await goes.next()]), [1, 2]);
    },
  },
  {
    name: "discarding who is no member does nothing",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room");
      await layer.groupDiscard("room", "nobody");
      await layer.groupDiscard("nowhere", member.channel.name);
      await layer.groupSend("room", numbered(1));
      assert.deepEqual(await member.next(), numbered(1));
    },
  },
  {
    name: "a message to a group without members reaches nobody, and that is no error",
    async run(trial) {
      const layer = await trial.layer();
      const report = await layer.groupSend("empty", numbered(1));
      assertDelivered(report.delivered, 0);
      assert.equal(report.overCapacity, 0);
    },
  },
  {
    name: "a channel may be in many groups",
    async run(trial) {
      const layer = await trial.layer();
      const groups = range(20).map((number) => `room.${number}`);
      const member = await trial.member(layer, ...groups);
      for (const [number, group] of groups.entries()) await layer.groupSend(group, numbered(number));
      // One order is promised within a group alone.
      assert.deepEqual(new Set(numbers(await member.take(20))), new Set(range(20)));
    },
  },
  {
    name: "a channel that is closed leaves all of its groups",
    async run(trial) {
      const layer = await trial.layer();
      const stays = await trial.member(layer, "room", "other");
      const goes = await trial.member(layer, "room", "other");
      await goes.channel.close();
      for (const group of ["room", "other"]) assertDelivered((await layer.groupSend(group, numbered(1))).delivered, 1);
      await stays.take(2);
      await stays.channel.close();
      for (const group of ["room", "other"]) assertDelivered((await layer.groupSend(group, numbered(2))).delivered, 0);
      assert.deepEqual([...stays.waiting, ...goes.waiting], []);
    },
  },
  {
    name: "a group gets the messages of one sender in the order sent",
    async run(trial) {
      const layer = await trial.layer({ capacity: 1000 });
      const members = [await trial.member(layer, "room"), await trial.member(layer, "room")];
      await Promise.all(range(300).map((number) => layer.groupSend("room", numbered(number))));
      for (const member of members) assert.deepEqual(numbers(await member.take(300)), range(300));
    },
  },
  {
    name: "all members see one order, whoever sent",
    async run(trial) {
      const layer = await trial.layer({ capacity: 1000 });
      const members = [];
      for (let count = 0; count < 5; count++) members.push(await trial.member(layer, "room"));
      const sendAll = async (sender: number): Promise<void> => {
        for (const number of range(40)) await layer.groupSend("room", { type: "test.message", sender, number });
      };
      await Promise.all(range(5).map(sendAll));
      const [first = [], ...others] = await Promise.all(members.map((member) => member.take(200)));
      for (const other of others) assert.deepEqual(other, first);
      for (const sender of range(5)) {
        assert.deepEqual(numbers(first.filter((message) => message["sender"] === sender)), range(40));
      }
    },
  },
  {
    name: "an answer that is sent during a delivery is delivered after it",
    async run(trial) {
      const layer = await trial.layer();
      const before = await trial.member(layer, "room");
      const answering = trial.inbox(({ number }) => {
        if (number === 1) void layer.groupSend("room", numbered(2));
      });
      await layer.groupAdd("room", (await layer.newChannel(answering.subscriber)).name);
      const after = await trial.member(layer, "room");
      await layer.groupSend("room", numbered(1));
      for (const inbox of [before, answering, after]) assert.deepEqual(numbers(await inbox.take(2)), [1, 2]);
    },
  },
  {
    name: "a receiver that throws or rejects disturbs neither the sender nor the others, and is published",
    async run(trial) {
      const layer = await trial.layer();
      using failures = trial.listen("millrace:layer:error");
      const thrown = new Error("a subscriber threw");
      const rejected = new Error("a subscriber rejected");
      const throwing = trial.inbox(() => {
        throw thrown;
      });
      const rejecting = trial.inbox(() => Promise.reject(rejected));
      for (const inbox of [throwing, rejecting]) {
        await layer.groupAdd("room", (await layer.newChannel(inbox.subscriber)).name);
      }
      const well = await trial.member(layer, "room");
      for (const number of [1, 2]) await layer.groupSend("room", numbered(number));
      for (const inbox of [throwing, rejecting, well]) assert.deepEqual(numbers(await inbox.take(2)), [1, 2]);
      const seen = new Set<Error>();
      await failures.next(({ error }) => seen.add(error).has(thrown) && seen.has(rejected));
    },
  },
  {
    name: "a named channel can be a member of a group",
    needs: ["namedMembers"],
    async run(trial) {
      const layer = await trial.layer();
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.groupAdd("room", "jobs");
      const member = await trial.member(layer, "room");
      assertDelivered((await layer.groupSend("room", numbered(1))).delivered, 2);
      assert.deepEqual(numbers([await inbox.next(), await member.next()]), [1, 1]);
      await layer.groupDiscard("room", "jobs");
      await layer.groupSend("room", numbered(2));
      await layer.send("jobs", numbered(3));
      assert.deepEqual(await inbox.next(), numbered(3));
    },
  },
  {
    name: "a named channel stays in its groups when a receiver ends",
    needs: ["namedMembers", "waiting"],
    async run(trial) {
      const layer = await trial.layer();
      const channel = await layer.subscribe("jobs", () => {});
      await layer.groupAdd("room", "jobs");
      await channel.close();
      await layer.groupSend("room", numbered(1));
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      assert.deepEqual(await inbox.next(), numbered(1));
    },
  },
  {
    name: "a member that lives outlasts groupExpiry",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer({ expiry: 0.3, groupExpiry: 0.1 });
      const member = await trial.member(layer, "room");
      using expired = trial.listen("millrace:message:expired");
      await layer.send("clock", numbered(0));
      await expired.next(({ channel }) => channel === "clock");
      await layer.groupSend("room", numbered(1));
      assert.deepEqual(await member.next(), numbered(1));
    },
  },
  {
    name: "group_add, group_discard and group_send are the same by the names that Python gives them",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      await layer.group_add("room", member.channel.name);
      const report = await layer.group_send("room", numbered(1));
      assertDelivered(report.delivered, 1);
      // A layer may hand a message to those who are members when it arrives.
      assert.deepEqual(await member.next(), numbered(1));
      await layer.group_discard("room", member.channel.name);
      await layer.group_send("room", numbered(2));
      await layer.send(member.channel.name, numbered(3));
      assert.deepEqual(await member.next(), numbered(3));
      await assertRefused("ERR_INVALID_NAME", "group_add", () => layer.group_add("a room", member.channel.name));
    },
  },
];

/** A layer that can't know says `undefined`. */
function assertDelivered(delivered: number | undefined, wanted: number): void {
  if (delivered !== undefined) assert.equal(delivered, wanted);
}
