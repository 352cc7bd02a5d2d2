import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import * as ws from "ws";
import { binaryFrame, textFrame } from "../../src/server/frame.ts";

// The types of `ws` leave its sender out.
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

/** The frame that `ws` makes of a payload. */
function reference(payload: Buffer, opcode: number): Buffer {
  const options = { fin: true, opcode, mask: false, readOnly: true, rsv1: false };
  return Buffer.concat(Sender.frame(payload, options));
}

describe("a frame", () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])("of %i bytes is the one that ws makes", (length) => {
    const payload = Buffer.alloc(length, "é");
    expect(binaryFrame(payload).equals(reference(payload, 2))).toBe(true);
    const text = "a".repeat(length);
    expect(textFrame(text).equals(reference(Buffer.from(text), 1))).toBe(true);
  });

  test("of any text or bytes is the one that ws makes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) =>
        textFrame(text).equals(reference(Buffer.from(text), 1)),
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
        binaryFrame(bytes).equals(reference(Buffer.from(bytes), 2)),
      ),
    );
  });

  test("of a lone surrogate is valid UTF-8", () => {
    expect(textFrame("\ud800").toString("utf8", 2)).toBe("\ufffd");
  });

  test("is made once for a text that goes to many sockets in one turn, and not kept after it", async () => {
    const text = ["to", "all"].join(" ");
    const first = textFrame(text);
    expect(textFrame("to all")).toBe(first);
    await new Promise((resolve) => setImmediate(resolve));
    expect(textFrame(text)).not.toBe(first);
  });

  test("of bytes is a copy: their owner may go on writing into them", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const frame = binaryFrame(bytes);
    bytes.fill(0);
    expect([...frame.subarray(2)]).toEqual([1, 2, 3]);
  });

  test.each([0, 1, 125, 126, 300, 65_536])(
    "of the same %i bytes is made once in one turn, and not kept after it",
    async (length) => {
      const bytes = new Uint8Array(length).fill(1);
      const first = binaryFrame(bytes);
      expect(binaryFrame(new Uint8Array(bytes))).toBe(first);
      expect(binaryFrame(new Uint8Array(length + 1).fill(1)).length).toBeGreaterThan(first.length);
      const second = binaryFrame(bytes);
      await new Promise((resolve) => setImmediate(resolve));
      expect(binaryFrame(bytes)).not.toBe(second);
    },
  );

  test("of bytes into which their owner has written is another", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const first = binaryFrame(bytes);
    bytes[2] = 4;
    expect([...binaryFrame(bytes).subarray(2)]).toEqual([1, 2, 4]);
    expect([...first.subarray(2)]).toEqual([1, 2, 3]);
  });
});
