import { strict as assert } from "node:assert";
import { checkChannelName } from "../protocol/names.ts";
import { assertRefused, type LayerCase, numbered, numbers, range } from "./layer-trial.ts";

/** New channels, named channels, their order and their ends. */
export const sendingCases: readonly LayerCase[] = [
  {
    name: "a new channel receives what is sent to its name",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      await layer.send(member.channel.name, numbered(1));
      assert.deepEqual(await member.next(), numbered(1));
    },
  },
  {
    name: "new channels have valid names of their own, with the prefix at the front",
    async run(trial) {
      const layer = await trial.layer();
      const names: string[] = [];
      for (const prefix of ["specific", "chat", "a.b-c_d"]) {
        for (let times = 0; times < 20; times++) names.push((await layer.newChannel(() => {}, prefix)).name);
        assert(names.slice(-20).every((name) => name.includes(`${prefix}.`)));
      }
      names.push((await layer.newChannel(() => {})).name);
      assert(names.at(-1)?.includes("specific."));
      for (const name of names) checkChannelName(name);
      assert.equal(new Set(names).size, names.length);
    },
  },
  {
    name: "a channel receives nothing that was sent to another",
    async run(trial) {
      const layer = await trial.layer();
      const one = await trial.member(layer);
      const other = await trial.member(layer);
      await layer.send(other.channel.name, numbered(1));
      await layer.send(one.channel.name, numbered(2));
      assert.deepEqual(numbers([await one.next(), await other.next()]), [2, 1]);
    },
  },
  {
    name: "a new channel gets each message at once, though it has not handled the last",
    async run(trial) {
      const layer = await trial.layer();
      const inbox = trial.inbox(() => new Promise(() => {}));
      const { name } = await layer.newChannel(inbox.subscriber);
      for (const number of range(3)) await layer.send(name, numbered(number));
      assert.deepEqual(numbers(await inbox.take(3)), range(3));
    },
  },
  {
    name: "a new channel gets the messages of one sender in the order sent",
    async run(trial) {
      const layer = await trial.layer({ capacity: 1000 });
      const member = await trial.member(layer);
      await Promise.all(range(500).map((number) => layer.send(member.channel.name, numbered(number))));
      assert.deepEqual(numbers(await member.take(500)), range(500));
    },
  },
  {
    name: "a named channel gets the messages of one sender in the order sent, one at a time",
    async run(trial) {
      const layer = await trial.layer({ capacity: 1000 });
      let running = 0;
      let most = 0;
      const inbox = trial.inbox(async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
      });
      await layer.subscribe("jobs", inbox.subscriber);
      await Promise.all(range(200).map((number) => layer.send("jobs", numbered(number))));
      assert.deepEqual(numbers(await inbox.take(200)), range(200));
      assert.equal(most, 1);
    },
  },
  {
    name: "a message is wanted until its expiry has passed since it was sent",
    async run(trial) {
      const layer = await trial.layer({ expiry: 30 });
      const times: number[] = [];
      const inbox = trial.inbox((_message, expiresAt) => void times.push(expiresAt));
      const { name } = await layer.newChannel(inbox.subscriber);
      const before = Date.now();
      await layer.send(name, numbered(1));
      await inbox.next();
      const [expiresAt = 0] = times;
      // Within a second: the clocks of a layer and of this process may differ by a little.
      assert(
        expiresAt >= before + 29_000 && expiresAt <= Date.now() + 31_000,
        `${expiresAt - before} ms after sending`,
      );
    },
  },
  {
    name: "what waits on a named channel is received first",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer();
      for (const number of range(3)) await layer.send("jobs", numbered(number));
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.send("jobs", numbered(3));
      assert.deepEqual(numbers(await inbox.take(4)), range(4));
    },
  },
  {
    name: "several receivers of a named channel share its messages, each of which goes to one",
    needs: ["sharing"],
    async run(trial) {
      const layer = await trial.layer({ capacity: 1000 });
      const together = trial.inbox();
      const counts = [0, 0, 0];
      for (const index of counts.keys()) {
        await layer.subscribe("jobs", async (message, expiresAt) => {
          counts[index] = (counts[index] ?? 0) + 1;
          await Promise.resolve();
          return together.subscriber(message, expiresAt);
        });
      }
      for (const number of range(90)) await layer.send("jobs", numbered(number));
      const received = numbers(await together.take(90));
      assert.deepEqual(
        received.toSorted((a, b) => Number(a) - Number(b)),
        range(90),
      );
      assert(
        counts.every((count) => count > 0),
        `one of them had nothing: ${counts.join(", ")}`,
      );
      await layer.send("jobs", numbered(90));
      assert.deepEqual(await together.next(), numbered(90), "something came twice");
    },
  },
  {
    name: "what waits on a named channel stays for others when a receiver ends",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer();
      const stuck = trial.inbox(() => new Promise(() => {}));
      const channel = await layer.subscribe("jobs", stuck.subscriber);
      await layer.send("jobs", numbered(0));
      await stuck.next();
      await layer.send("jobs", numbered(1));
      await channel.close();
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      assert.deepEqual(await inbox.next(), numbered(1));
      assert.deepEqual(stuck.waiting, []);
    },
  },
  {
    name: "a channel that was closed receives nothing, and sending to it is refused",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      const { channel } = member;
      await channel.close();
      await assertRefused("ERR_CHANNEL_CLOSED", "send", () => layer.send(channel.name, numbered(1)));
      await assertRefused("ERR_CHANNEL_CLOSED", "groupAdd", () => layer.groupAdd("room", channel.name));
      await layer.groupDiscard("room", channel.name);
      await channel.close();
      assert.deepEqual(member.waiting, []);
    },
  },
  {
    name: "sending never waits for a handler",
    async run(trial) {
      const layer = await trial.layer();
      const inbox = trial.inbox(() => new Promise(() => {}));
      const { name } = await layer.newChannel(inbox.subscriber);
      await layer.groupAdd("room", name);
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.send(name, numbered(1));
      await layer.groupSend("room", numbered(2));
      await layer.send("jobs", numbered(3));
      await layer.send("jobs", numbered(4));
      assert.deepEqual(new Set(numbers(await inbox.take(3))), new Set([1, 2, 3]));
    },
  },
  {
    name: "a chain of answers goes on for as long as it likes",
    async run(trial) {
      const layer = await trial.layer();
      const inbox = trial.inbox(({ number }) => {
        if (Number(number) < 2000) void layer.send(name, numbered(Number(number) + 1));
      });
      const { name } = await layer.newChannel(inbox.subscriber);
      await layer.send(name, numbered(1));
      assert.deepEqual(numbers(await inbox.take(2000)), range(2001).slice(1));
    },
  },
];
