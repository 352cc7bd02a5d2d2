import { strict as assert } from "node:assert";
import { assertRefused, type LayerCase, numbered } from "./layer-trial.ts";

const validNames = ["a", "9", "-", "_", ".", "22922192", "room-1_2.3", "UPPER.lower", "x".repeat(99)];
const validLocalNames = ["x!", "x!y", "specific.abc!A-b_c.9", `${"x".repeat(97)}!y`];

// What callers without types may give stands among them.
const invalidNames = [
  "",
  "a b",
  "a/b",
  "a:b",
  "a*",
  "é",
  "٣",
  "💬",
  "chat\n",
  "\u0000",
  "x".repeat(100),
  1,
  null,
  undefined,
  {},
  ["a"],
] as readonly string[];
const invalidChannelNames = [
  ...invalidNames,
  "!",
  "!x",
  "x!y!z",
  "x!!",
  "x!é",
  "x!٣",
  "x!y\n",
  "a b!y",
  `${"x".repeat(98)}!y`,
];
const invalidGroupNames = [...invalidNames, ...validLocalNames];

/** The name rules, at each method that takes a name. */
export const nameCases: readonly LayerCase[] = [
  {
    name: "every valid group name can be used",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, ...validNames);
      for (const group of validNames) {
        await layer.groupSend(group, { type: "test.message", group });
        assert.deepEqual(await member.next(), { type: "test.message", group });
        await layer.groupDiscard(group, member.channel.name);
      }
    },
  },
  {
    name: "every valid channel name can be used",
    async run(trial) {
      const layer = await trial.layer();
      for (const channel of validNames) {
        const inbox = trial.inbox();
        await layer.subscribe(channel, inbox.subscriber);
        await layer.send(channel, numbered(1));
        assert.deepEqual(await inbox.next(), numbered(1));
      }
      for (const channel of [...validNames, ...validLocalNames]) await layer.groupDiscard("room", channel);
    },
  },
  {
    name: "an invalid group name is refused",
    async run(trial) {
      const layer = await trial.layer();
      const { channel } = await trial.member(layer);
      for (const group of invalidGroupNames) {
        const what = `the group ${JSON.stringify(group)}`;
        await assertRefused("ERR_INVALID_NAME", what, () => layer.groupAdd(group, channel.name));
        await assertRefused("ERR_INVALID_NAME", what, () => layer.groupDiscard(group, channel.name));
        await assertRefused("ERR_INVALID_NAME", what, () => layer.groupSend(group, numbered(1)));
      }
    },
  },
  {
    name: "an invalid channel name is refused",
    async run(trial) {
      const layer = await trial.layer();
      for (const channel of invalidChannelNames) {
        const what = `the channel ${JSON.stringify(channel)}`;
        await assertRefused("ERR_INVALID_NAME", what, () => layer.send(channel, numbered(1)));
        await assertRefused("ERR_INVALID_NAME", what, () => layer.subscribe(channel, () => {}));
        await assertRefused("ERR_INVALID_NAME", what, () => layer.groupAdd("room", channel));
        await assertRefused("ERR_INVALID_NAME", what, () => layer.groupDiscard("room", channel));
      }
    },
  },
  {
    name: "a process-local name can't be subscribed to",
    async run(trial) {
      const layer = await trial.layer();
      for (const channel of validLocalNames) {
        await assertRefused("ERR_INVALID_NAME", channel, () => layer.subscribe(channel, () => {}));
      }
    },
  },
  {
    name: "a prefix that makes no valid name is refused",
    async run(trial) {
      const layer = await trial.layer();
      for (const prefix of ["", "a b", "a!", "é", "x".repeat(99)]) {
        await assertRefused("ERR_INVALID_NAME", JSON.stringify(prefix), () => layer.newChannel(() => {}, prefix));
      }
    },
  },
];
