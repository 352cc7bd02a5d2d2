import { strict as assert } from "node:assert";
import type { LayerMessage } from "../protocol/message.ts";
import { assertRefused, type LayerCase, numbered, range } from "./layer-trial.ts";

const bytes = Uint8Array.from(range(256));

const carried: Readonly<Record<string, LayerMessage>> = {
  "booleans and null": { type: "test.value", yes: true, no: false, nothing: null },
  integers: { type: "test.value", values: [0, 1, -1, 127, 128, 255, 256, 65_536, 2 ** 31, 2 ** 32, -(2 ** 31) - 1] },
  "the largest safe integers": { type: "test.value", values: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] },
  "integers of 64 bits": { type: "test.value", values: [2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n), 2n ** 53n] },
  fractions: { type: "test.value", values: [0.5, -0.1, Math.PI, 1e-300, 1.5e300, Number.MIN_VALUE, Number.MAX_VALUE] },
  text: { type: "test.value", text: '收到了 ünïcödé \u0000 \n " \\ 💬 👨‍👩‍👧 ‮', empty: "" },
  "text of every plane": {
    type: "test.value",
    text: String.fromCodePoint(...range(17).map((plane) => plane * 65_536 + 33)),
  },
  "keys of every kind": {
    type: "test.value",
    收到了: 1,
    "": 2,
    "a b": 3,
    constructor: 4,
    toString: 5,
    "💬": 6,
    "0": 7,
  },
  "bytes of every value": { type: "test.value", bytes, empty: new Uint8Array() },
  "lists and objects in one another": {
    type: "test.value",
    list: [[], {}, [{ a: [1, [2, { b: null }]] }]],
    map: { a: {} },
  },
  "1 MiB of text": { type: "test.value", text: "x".repeat(1024 * 1024) },
  "1 MiB of bytes": { type: "test.value", bytes: new Uint8Array(1024 * 1024).fill(0xff) },
};

function cyclic(): object {
  const message: Record<string, unknown> = { type: "test.value" };
  message["self"] = { message };
  return message;
}

const refused: Readonly<Record<string, unknown>> = {
  "no object": "chat.message",
  "a list": [{ type: "test.value" }],
  null: null,
  "no type": { text: "hello" },
  "an empty type": { type: "" },
  "a type that is a number": { type: 7 },
  "a Date": { type: "test.value", user: { born: new Date(0) } },
  "a Map": { type: "test.value", map: new Map() },
  "a Set": { type: "test.value", set: new Set() },
  "an instance of a class": { type: "test.value", url: new URL("http://localhost") },
  "a function": { type: "test.value", call: () => 1 },
  "a symbol": { type: "test.value", symbol: Symbol("s") },
  "a symbol for a key": { type: "test.value", [Symbol("s")]: 1 },
  "a cycle": cyclic(),
  "a lone surrogate": { type: "test.value", list: ["\ud800"] },
  "a lone surrogate in a key": { type: "test.value", "\udc00": 1 },
  "the key __proto__": JSON.parse('{ "type": "test.value", "deep": { "__proto__": 1 } }'),
  "the key __asgi_channel__": { type: "test.value", __asgi_channel__: "x" },
  NaN: { type: "test.value", number: Number.NaN },
  infinity: { type: "test.value", number: Infinity },
  "an integer of 65 bits": { type: "test.value", number: 2n ** 64n },
  "undefined in a list": { type: "test.value", list: [undefined] },
};

/** What a message may hold, and that receivers are safe from each other and from the sender. */
export const messageCases: readonly LayerCase[] = [
  ...Object.entries(carried).map(
    ([what, message]) =>
      ({
        name: `a message carries ${what}`,
        async run(trial) {
          const layer = await trial.layer();
          const direct = await trial.member(layer);
          const member = await trial.member(layer, "room");
          await layer.send(direct.channel.name, message);
          await layer.groupSend("room", message);
          assert.deepEqual(await direct.next(), message);
          assert.deepEqual(await member.next(), message);
        },
      }) satisfies LayerCase,
  ),
  {
    name: "a bigint that a number holds exactly arrives as a number, and an undefined property does not arrive",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      await layer.send(member.channel.name, { type: "test.value", small: 7n, absent: undefined, zero: -0 });
      assert.deepEqual(await member.next(), { type: "test.value", small: 7, zero: 0 });
    },
  },
  {
    name: "bytes arrive as a Uint8Array, whatever kind of it was sent",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      await layer.send(member.channel.name, { type: "test.value", bytes: Buffer.from(bytes).subarray(1, 4) });
      assert.deepEqual(await member.next(), { type: "test.value", bytes: Uint8Array.of(1, 2, 3) });
    },
  },
  {
    name: "a message that can't travel is refused, and nobody has got it",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room");
      for (const [what, value] of Object.entries(refused)) {
        // What callers without types may give.
        const message = value as LayerMessage;
        await assertRefused("ERR_INVALID_MESSAGE", what, () => layer.send(member.channel.name, message));
        await assertRefused("ERR_INVALID_MESSAGE", what, () => layer.groupSend("room", message));
      }
      await layer.send(member.channel.name, numbered(1));
      await layer.groupSend("room", numbered(1));
      assert.deepEqual(await member.take(2), [numbered(1), numbered(1)]);
    },
  },
  {
    name: "receivers get a message frozen to its depths",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer);
      await layer.send(member.channel.name, { type: "test.value", list: [{ a: 1 }] });
      const message = await member.next();
      const list = message["list"] as ReadonlyArray<{ readonly a: number }>;
      assert([message, list, list[0]].every((part) => Object.isFrozen(part)));
    },
  },
  {
    name: "what a sender changes after sending is not seen",
    async run(trial) {
      const layer = await trial.layer();
      const member = await trial.member(layer, "room");
      const message = { type: "test.value", list: [1, 2], bytes: Uint8Array.of(1, 2) };
      const sent = [layer.send(member.channel.name, message), layer.groupSend("room", message)];
      message.list.push(3);
      message.bytes[0] = 9;
      await Promise.all(sent);
      for (const received of await member.take(2)) {
        assert.deepEqual(received, { type: "test.value", list: [1, 2], bytes: Uint8Array.of(1, 2) });
      }
    },
  },
];
