import { afterAll, describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { decodeMsgpack } from "../../../src/layers/codec/msgpack-decode.ts";
import { MsgpackEncoder } from "../../../src/layers/codec/msgpack-encode.ts";
import { sealMessage } from "../../../src/layers/message.ts";
import { sha256 } from "./canonical.ts";
import { messages } from "./messages.ts";
import { OtherSide } from "./other-side.ts";
import { refusalOf } from "./unreadable.ts";

const python = new OtherSide();
afterAll(() => python.close());

interface Outcome {
  readonly hash: string | null;
  readonly refusal: string;
}

/** What we make of a body. Fails for an error that a layer does not know. */
function outcome(body: Buffer): Outcome {
  try {
    return { hash: sha256(decodeMsgpack(body)), refusal: "" };
  } catch (error) {
    return { hash: null, refusal: refusalOf(error) };
  }
}

const encoder = new MsgpackEncoder();
const seed = 7;

/** Short bodies of any bytes behind the start of a list, a map, text or bytes. */
const anyBytes = fc
  .tuple(fc.constantFrom(0x81, 0x92, 0x93, 0xa3, 0xc4), fc.uint8Array({ maxLength: 5 }))
  .map(([first, rest]) => Buffer.from([first, ...rest]));

/** Bodies in which something is changed, cut or doubled. */
const mutated = fc
  .tuple(
    messages,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    fc.constantFrom("none", "cut", "double"),
    fc.nat(),
  )
  .map(([message, changes, how, at]) => {
    const body = encoder.encode(sealMessage(message));
    for (const [place, byte] of changes) body[place % body.length] = byte;
    const cut = at % body.length;
    if (how === "cut") return body.subarray(0, cut);
    return how === "double" ? Buffer.concat([body.subarray(0, cut), body]) : body;
  });

describe("bytes of whatever kind", () => {
  test.each([
    ["random", anyBytes],
    ["mutated", mutated],
  ])("that are %s are read as Python reads them, or refused for a reason", async (_, bodies) => {
    const all = fc.sample(bodies, { numRuns: 4000, seed });
    const theirs = await python.outcomes(all);
    const ours = all.map(outcome);
    const differing = ours.filter(({ hash, refusal }, index) => {
      // Python reads these, and no message of ours holds them.
      if (/another extension|__proto__/.test(refusal)) return false;
      return hash !== theirs[index];
    });
    expect(differing).toEqual([]);
    expect(ours.filter(({ hash }) => hash !== null).length).toBeGreaterThan(100);
    expect(ours.filter(({ hash }) => hash === null).length).toBeGreaterThan(100);
  });
});
