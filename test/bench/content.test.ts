import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import type { LoadClient } from "../../bench/load/client.ts";
import { Content } from "../../bench/load/content.ts";
import { dialects } from "../../bench/load/dialect.ts";

// All that is asked of a client is whether its messages are rewritten.
const [plain, marked] = [false, true].map((isMarked) => ({ marked: isMarked }) as unknown as LoadClient) as [
  LoadClient,
  LoadClient,
];

/** The payload of a client's frame, as the server understands it. */
function payloadOf(frame: Buffer): Buffer {
  const short = (frame[1] ?? 0) & 0x7f;
  const maskAt = short === 127 ? 10 : short === 126 ? 4 : 2;
  return Buffer.from(frame.subarray(maskAt + 4).map((byte, at) => byte ^ (frame[maskAt + (at & 3)] ?? 0)));
}

describe.each(Object.entries(dialects))("what clients say to servers of %s", (_name, dialect) => {
  const content = new Content(dialect, 64);
  const numberOf = (client: LoadClient, payload: Buffer): number =>
    content.numberOf(client, payload, 0, payload.length);

  test("comes back with its number", () => {
    expect(numberOf(plain, payloadOf(content.frame(4711)))).toBe(4711);
  });

  test("must come back as it was, but for the one that has it rewritten", () => {
    const payload = payloadOf(content.frame(1));
    const [before, after] = dialect.around;
    const said = payload.toString("latin1", before, payload.length - after);
    const rewritten = Buffer.from(payload.toString("latin1").replace(said, said.toUpperCase()), "latin1");
    expect(numberOf(marked, rewritten)).toBe(1);
    expect(() => numberOf(plain, rewritten)).toThrow("A client got");
    expect(() => numberOf(marked, payload)).toThrow("A client got");
    expect(() => numberOf(plain, payload.subarray(1))).toThrow("A client got");
  });
});

test("what comes compressed is inflated, and looked at alike", () => {
  const content = new Content(dialects.plain, 1024);
  const payload = payloadOf(content.frame(12));
  const compressed = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  expect(compressed.length).toBeLessThan(700);
  expect(compressed.length).toBeGreaterThan(200);
  for (let time = 0; time < 2; time++) {
    expect(content.numberOfCompressed(plain, compressed, 0, compressed.length)).toBe(12);
  }
  expect(() => content.numberOfCompressed(marked, compressed, 0, compressed.length)).toThrow("A client got");
});
