import { afterAll, describe, expect, test } from "@jest/globals";
import { constants } from "node:buffer";
import * as fc from "fast-check";
import { isMillraceError } from "millrace";
import { type CodecOptions, createCodec } from "../../../src/layers/codec/codec.ts";
import { fillPrefix } from "../../../src/layers/codec/framing.ts";
import { sealMessage } from "../../../src/layers/message.ts";
import { caught } from "../../support/caught.ts";
import { sha256 } from "./canonical.ts";
import { byteValues, messages, messagesWithoutBytes, values } from "./messages.ts";
import { OtherSide } from "./other-side.ts";
import { refusalOf, unreadable } from "./unreadable.ts";

const python = new OtherSide();
afterAll(() => python.close());

const keys = ["a key", "another"];

const kinds: Readonly<Record<string, CodecOptions>> = {
  "MessagePack alone": {},
  "MessagePack with a prefix": { randomPrefixLength: 12 },
  "MessagePack, encrypted": { symmetricEncryptionKeys: keys },
  "MessagePack, encrypted, with a prefix": { randomPrefixLength: 12, symmetricEncryptionKeys: keys, ttl: 70 },
  "JSON alone": { serializer: "json" },
  "JSON, encrypted, with a prefix": { serializer: "json", randomPrefixLength: 4, symmetricEncryptionKeys: keys },
};

describe.each(Object.entries(kinds))("a codec for %s", (_, options) => {
  const codec = createCodec(options);
  const anyMessage = options.serializer === "json" ? messagesWithoutBytes : messages;

  test("reads what it wrote, with the address beside the message", () => {
    const address = fc.constantFrom(undefined, "specific.x!y", ["specific.x!y", "specific.x!z"]);
    fc.assert(
      fc.property(anyMessage, address, (message, to) => {
        expect(codec.decode(codec.encode(sealMessage(message), to))).toEqual({ message, address: to });
      }),
    );
  });

  test("gives a frozen message, with an address and without", () => {
    const message = { type: "a.b", list: [{}] };
    for (const frame of [codec.encode(message), codec.encode(message, "x!y")]) {
      const read = codec.decode(frame).message;
      expect(Object.isFrozen(read) && Object.isFrozen(read["list"])).toBe(true);
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    }
  });

  test("refuses any bytes, and what is changed, with nothing but a layer's error", () => {
    const change = fc.tuple(anyMessage, fc.nat(), fc.nat(255)).map(([message, place, byte]) => {
      const frame = codec.encode(sealMessage(message));
      frame[place % frame.length] = byte;
      return frame;
    });
    const anyBytes = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(change, anyBytes), (frame) => {
        try {
          codec.decode(frame);
        } catch (error) {
          refusalOf(error);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("channels_redis", () => {
  // Debian's core layer, which has no other prefix and no other serializer.
  test.each<[what: string, theirs: readonly string[], ours: readonly string[]]>([
    ["without keys", [], []],
    ["with one key", ["one"], ["one"]],
    ["that has the new key first, where we have the old one first,", ["new", "old"], ["old", "new"]],
    ["that has the old key alone, where we have it first,", ["old"], ["old", "new"]],
  ])("%s reads what we write, and we read what it writes", async (_, theirs, ours) => {
    const codec = createCodec({ randomPrefixLength: 12, symmetricEncryptionKeys: ours, ttl: 70 });
    const message = sealMessage({ type: "chat.message", all: { ...values, ...byteValues } });
    const sent = codec.encode(message, ["specific.x!y"]);
    expect(await python.deserialize(sent, theirs)).toBe(sha256({ ...message, __asgi_channel__: ["specific.x!y"] }));
    const literal =
      "{'type': 'chat.message', 'text': '收到了', 'n': [2**63, b'ab'], '__asgi_channel__': 'specific.x!y'}";
    expect(codec.decode(await python.serialize(literal, theirs))).toEqual({
      message: { type: "chat.message", text: "收到了", n: [2n ** 63n, Uint8Array.of(97, 98)] },
      address: "specific.x!y",
    });
  });

  test("refuses what we encrypted by another key, and we refuse what it encrypted by another", async () => {
    const codec = createCodec({ randomPrefixLength: 12, symmetricEncryptionKeys: ["ours"], ttl: 70 });
    expect(await python.deserialize(codec.encode({ type: "a.b" }), ["theirs"])).toBe("InvalidToken");
    const frame = await python.serialize("{'type': 'a.b'}", ["theirs"]);
    expect(unreadable(() => codec.decode(frame))).toMatch(/none of the keys/);
  });

  test("and we agree on how old a message may be", async () => {
    const now = Math.floor(Date.now() / 1000);
    const body = createCodec().encode({ type: "a.b" });
    const codec = createCodec({ randomPrefixLength: 12, symmetricEncryptionKeys: ["key"], ttl: 30 });
    const seen: boolean[][] = [];
    // A quarter of a minute from every edge, so that no second that passes matters.
    for (const time of [now - 45, now - 15, now + 45, now + 75]) {
      const frame = Buffer.concat([Buffer.alloc(12), await python.encryptAt(time, "key", body)]);
      const theirs = (await python.deserialize(frame, ["key"], 20)) !== "InvalidToken";
      let ours = true;
      try {
        codec.decode(frame);
      } catch (error) {
        ours = refusalOf(error) === "";
      }
      seen.push([theirs, ours]);
    }
    expect(seen).toEqual([
      [false, false],
      [true, true],
      [true, true],
      [false, false],
    ]);
  });
});

describe("a random prefix", () => {
  test("is another for each message, and the rest is the same", () => {
    const codec = createCodec({ randomPrefixLength: 12 });
    const frames = Array.from({ length: 3000 }, () => codec.encode({ type: "a.b" }));
    expect(new Set(frames.map((frame) => frame.toString("hex", 0, 12))).size).toBe(3000);
    expect(new Set(frames.map((frame) => frame.toString("hex", 12)))).toEqual(
      new Set([createCodec().encode({ type: "a.b" }).toString("hex")]),
    );
  });

  test("leaves what comes after it as it was", () => {
    const frame = Buffer.alloc(8);
    fillPrefix(frame, 4);
    expect([...frame.subarray(4)]).toEqual([0, 0, 0, 0]);
  });

  test("of a length below 0 is none, as in Python", () => {
    expect(createCodec({ randomPrefixLength: -1 }).encode({ type: "a.b" })).toEqual(
      createCodec().encode({ type: "a.b" }),
    );
  });

  test("that is not whole is refused", () => {
    const codec = createCodec({ randomPrefixLength: 12 });
    expect(unreadable(() => codec.decode(Buffer.alloc(11)))).toMatch(/11 bytes, which is less than a prefix of 12/);
    expect(unreadable(() => codec.decode(Buffer.alloc(12)))).toMatch(/cut short/);
  });
});

describe("what is read is refused", () => {
  test("when it is larger than any text can be", () => {
    const codec = createCodec();
    // Never written to, so that it costs no memory.
    const frame = Buffer.allocUnsafeSlow(constants.MAX_STRING_LENGTH + 1);
    expect(unreadable(() => codec.decode(frame))).toMatch(/more bytes than text can have/);
  });

  test.each<[what: string, text: string, says: RegExp]>([
    ["when it is a list", "[]", /no map/],
    ["when it is text", '"a.b"', /no map/],
    ["when it is null", "null", /no map/],
    ["when it has no type", "{}", /a map without a type/],
    ["when its type is inherited", '{"toString":1}', /a map without a type/],
    ["when its type is empty", '{"type":""}', /a map without a type/],
    ["when its type is a number", '{"type":1}', /a map without a type/],
    ["when its address is a number", '{"type":"a.b","__asgi_channel__":1}', /__asgi_channel__ that names no channels/],
    ["when its address lists a number", '{"type":"a.b","__asgi_channel__":["x",1]}', /names no channels/],
  ])("%s", (_, text, says) => {
    expect(unreadable(() => createCodec({ serializer: "json" }).decode(Buffer.from(text)))).toMatch(says);
  });

  test("when the other side has another serializer, prefix or no keys, with what to do", () => {
    const frame = createCodec({ randomPrefixLength: 12 }).encode({ type: "a.b" });
    const remedy = /same serializer, prefix length and keys|must have keys too, and the same prefix length/;
    for (const options of [
      { serializer: "json" },
      { symmetricEncryptionKeys: keys },
      { randomPrefixLength: 13 },
    ] as const) {
      expect(unreadable(() => createCodec({ randomPrefixLength: 12, ...options }).decode(frame))).toMatch(remedy);
    }
  });
});

describe("an option is refused", () => {
  test.each<[what: string, options: object, says: RegExp]>([
    ["that names no serializer", { serializer: "xml" }, /serializer names none; got "xml"; wanted "msgpack" or "json"/],
    ["that is no length", { randomPrefixLength: 1.5 }, /randomPrefixLength is no length; got 1.5/],
    ["that is too long", { randomPrefixLength: 4096 }, /randomPrefixLength is no length; got 4096/],
    ["that is one key", { symmetricEncryptionKeys: "topsecret" }, /symmetricEncryptionKeys is no list; wanted a list/],
    ["that has an empty key", { symmetricEncryptionKeys: ["topsecret", ""] }, /A key can't be used; wanted a string/],
    ["that has a number for a key", { symmetricEncryptionKeys: [12_345] }, /A key can't be used/],
  ])("%s, without a secret in the error", (_, options, says) => {
    const error = caught(() => createCodec(options));
    expect(isMillraceError(error, "ERR_INVALID_OPTION")).toBe(true);
    expect(String(error)).toMatch(says);
    expect(String(error)).not.toMatch(/topsecret|12345/);
  });
});
