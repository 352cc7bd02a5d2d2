import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { InMemoryChannelLayer } from "millrace";
import { MsgpackEncoder } from "../../../src/layers/codec/msgpack-encode.ts";
import { sealMessage } from "../../../src/layers/message.ts";
import { messageSize } from "../../../src/layers/codec/message-size.ts";
import { byteValues, messages, values } from "./messages.ts";

const encoder = new MsgpackEncoder();

describe("the size of a message is that of its MessagePack", () => {
  test("for any message", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const sealed = sealMessage(message);
        expect(messageSize(sealed)).toBe(encoder.encode(sealed).length);
      }),
    );
  });

  test("for values at and beside every edge between two forms", () => {
    for (const [what, value] of Object.entries({ ...values, ...byteValues })) {
      const sealed = sealMessage({ type: "test.value", value });
      expect([what, messageSize(sealed)]).toEqual([what, encoder.encode(sealed).length]);
    }
  });
});

test("a message of exactly maxMessageSize is taken, and one of a byte more is refused with both numbers", async () => {
  const message = { type: "a.b", text: "收到了" };
  const size = encoder.encode(message).length;
  await using exact = new InMemoryChannelLayer({ maxMessageSize: size });
  await exact.groupSend("room", message);
  await using short = new InMemoryChannelLayer({ maxMessageSize: size - 1 });
  await expect(short.groupSend("room", message)).rejects.toMatchObject({
    code: "ERR_MESSAGE_TOO_LARGE",
    message: expect.stringContaining(`The message of type "a.b" has ${size} bytes; wanted at most ${size - 1}`),
  });
});
