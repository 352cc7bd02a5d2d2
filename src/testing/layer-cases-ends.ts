import { strict as assert } from "node:assert";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { assertRefused, type LayerCase, numbered, numbers } from "./layer-trial.ts";

/** What `flush` and `close` leave behind. */
export const endCases: readonly LayerCase[] = [
  {
    name: "flush empties all groups, and channels stay open",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room");
      await layer.flush();
      await layer.groupSend("room", numbered(1));
      await layer.send(member.channel.name, numbered(2));
      assert.deepEqual(await member.next(), numbered(2));
      // Another group, because a layer may hand a message to those who are members when it arrives.
      await layer.groupAdd("hall", member.channel.name);
      await layer.groupSend("hall", numbered(3));
      assert.deepEqual(await member.next(), numbered(3));
    },
  },
  {
    name: "flush drops what waits",
    needs: ["waiting"],
    async run(trial) {
      const layer = await trial.layer();
      await layer.send("jobs", numbered(1));
      await layer.flush();
      const inbox = trial.inbox();
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.send("jobs", numbered(2));
      assert.deepEqual(numbers(await inbox.take(1)), [2]);
    },
  },
  {
    name: "after close everything but close is refused with ERR_LAYER_CLOSED",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room");
      const { channel } = member;
      const closed = layer.close();
      for (const [name, use] of Object.entries(uses(layer, channel.name))) {
        await assertRefused("ERR_LAYER_CLOSED", `${name} while it closes`, use);
      }
      await closed;
      for (const [name, use] of Object.entries(uses(layer, channel.name))) {
        await assertRefused("ERR_LAYER_CLOSED", `${name} after close`, use);
      }
      await layer.close();
      await layer[Symbol.asyncDispose]();
      await channel.close();
      assert.deepEqual(member.waiting, []);
    },
  },
  {
    name: "a layer can be closed while handlers run",
    async run(trial) {
      const layer = await trial.layer();
      const handled: Array<() => void> = [];
      const inbox = trial.inbox(() => new Promise((resolve) => void handled.push(resolve)));
      await layer.subscribe("jobs", inbox.subscriber);
      await layer.send("jobs", numbered(1));
      await inbox.next();
      await layer.close();
      handled[0]?.();
      await Promise.resolve();
      assert.deepEqual(inbox.waiting, []);
    },
  },
  {
    name: "a subscriber that is no function is refused",
    async run(trial) {
      const layer = await trial.layer();
      // What callers without types may give.
      const nothing = undefined as unknown as () => void;
      await assertRefused("ERR_INVALID_OPTION", "newChannel", () => layer.newChannel(nothing));
      await assertRefused("ERR_INVALID_OPTION", "subscribe", () => layer.subscribe("jobs", nothing));
    },
  },
];

function uses(layer: ChannelLayer, channel: string): Record<string, () => unknown> {
  return {
    newChannel: () => layer.newChannel(() => {}),
    subscribe: () => layer.subscribe("jobs", () => {}),
    send: () => layer.send(channel, numbered(1)),
    groupAdd: () => layer.groupAdd("room", channel),
    groupDiscard: () => layer.groupDiscard("room", channel),
    groupSend: () => layer.groupSend("room", numbered(1)),
    group_add: () => layer.group_add("room", channel),
    group_discard: () => layer.group_discard("room", channel),
    group_send: () => layer.group_send("room", numbered(1)),
    flush: () => layer.flush(),
  };
}
