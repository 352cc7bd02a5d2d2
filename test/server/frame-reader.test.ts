import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { FrameReader } from "../../src/server/frame-reader.ts";
import { OrderedWebSocket } from "../../src/server/ordered-websocket.ts";

const maxPayload = 1000;

/** A socket without a network: what the client sends is pushed, and what it is sent is kept. */
class Wire extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.written.push(Buffer.from(chunk));
    done();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What an application does when it gets one of the messages. */
interface Reaction {
  readonly at: number;
  readonly do: "pause" | "close" | "terminate";
}

/** Accepts a client, lets it send, and tells all that came of it, in its order. */
async function transcript(
  reader: "ws" | "millrace",
  steps: ReadonlyArray<Buffer | "turn" | "pause" | "resume">,
  { reaction, end = "end" }: { readonly reaction?: Reaction; readonly end?: "end" | "reset" } = {},
): Promise<readonly string[]> {
  const told: string[] = [];
  let accepted: WebSocket | undefined;
  let messages = 0;
  const tell = (message: string): void => {
    told.push(message);
    if (messages++ === reaction?.at) accepted?.[reaction.do]();
  };
  const owner = {
    text: (text: string): void => tell(`text ${text}`),
    bytes: (bytes: Buffer): void => tell(`bytes ${bytes.toString("hex")}`),
  };
  const server = new WebSocketServer({ noServer: true, maxPayload, WebSocket: OrderedWebSocket });
  const wire = new Wire();
  const headers = {
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": 13,
  };
  // `ws` looks at no more of a request and a socket than these have.
  const request = { method: "GET", headers, url: "/" } as unknown as IncomingMessage;
  server.handleUpgrade(request, wire, Buffer.alloc(0), (websocket) => {
    accepted = websocket;
    listen(websocket, told);
    if (reader === "millrace") FrameReader.read(websocket, wire as unknown as Socket, maxPayload, owner);
    else {
      websocket.on("message", (data, isBinary) => {
        if (isBinary) owner.bytes(data as Buffer);
        else owner.text((data as Buffer).toString());
      });
    }
  });
  for (const step of steps) {
    if (step === "turn") await turn();
    else if (step === "pause" || step === "resume") accepted?.[step]();
    // Both take masks off in place.
    else wire.push(Buffer.from(step));
  }
  if (end === "end") wire.push(null);
  else wire.destroy(new Error("reset"));
  await turn();
  await turn();
  wire.destroy();
  await turn();
  return [...told, Buffer.concat(wire.written).toString("latin1")];
}

function listen(websocket: WebSocket, told: string[]): void {
  websocket.on("ping", (data) => told.push(`ping ${data.toString("hex")}`));
  websocket.on("pong", (data) => told.push(`pong ${data.toString("hex")}`));
  websocket.on("error", (error) => told.push(`error ${error.message}`));
  websocket.on("close", (code, reason) => told.push(`close ${code} ${reason.toString()}`));
}

interface Frame {
  readonly first: number;
  readonly masked: boolean;
  readonly mask: Uint8Array;
  readonly payload: Uint8Array;
  /** Whether the length takes more bytes than it needs. */
  readonly wide: boolean;
}

function bytesOf({ first, masked, mask, payload, wide }: Frame): Buffer {
  const { length } = payload;
  const bit = masked ? 0x80 : 0;
  const header = Buffer.from(
    wide
      ? [first, bit | 127, 0, 0, 0, 0, 0, 0, length >> 8, length & 0xff]
      : length < 126
        ? [first, bit | length]
        : [first, bit | 126, length >> 8, length & 0xff],
  );
  if (!masked) return Buffer.concat([header, payload]);
  return Buffer.concat([header, mask, Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)))]);
}

const encoder = new TextEncoder();
const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 200 }),
  fc.string({ unit: "binary", maxLength: 60 }),
);
const payload = fc.oneof(
  { weight: 8, arbitrary: text.map((value) => encoder.encode(value)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 990, maxLength: 1010 }) },
);
const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });
const mostly = (value: boolean): fc.Arbitrary<boolean> =>
  fc.oneof({ weight: 30, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(!value) });

const whole = fc.record({
  first: fc.constantFrom(0x81, 0x81, 0x82),
  masked: fc.constant(true),
  mask,
  payload,
  wide: mostly(false),
});
const control = fc.record({
  first: fc.constantFrom(0x89, 0x8a),
  masked: fc.constant(true),
  mask,
  payload: fc.uint8Array({ maxLength: 125 }),
  wide: fc.constant(false),
});
const closing = control.map((frame) => ({ ...frame, first: 0x88, payload: Uint8Array.of(0x03, 0xe8, 0x62) }));
const anything = fc.record({
  first: fc.integer({ min: 0, max: 255 }),
  masked: mostly(true),
  mask,
  payload,
  wide: mostly(false),
});
const fragments = fc
  .tuple(fc.constantFrom(0x01, 0x02), fc.array(fc.oneof(whole, control), { minLength: 2, maxLength: 4 }))
  .map(([opcode, frames]) =>
    frames.map((frame, at) => {
      if (frame.first >= 0x88) return frame;
      const isFirst = frames.findIndex(({ first }) => first < 0x88) === at;
      const isLast = frames.findLastIndex(({ first }) => first < 0x88) === at;
      return { ...frame, first: (isFirst ? opcode : 0) | (isLast ? 0x80 : 0) };
    }),
  );
const sent = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: whole.map((frame) => [frame]) },
      { weight: 4, arbitrary: control.map((frame) => [frame]) },
      { weight: 4, arbitrary: fragments },
      { weight: 1, arbitrary: whole.map((frame) => [{ ...frame, first: 0x01 }]) },
      { weight: 1, arbitrary: closing.map((frame) => [frame]) },
      { weight: 1, arbitrary: anything.map((frame) => [frame]) },
    ),
    { maxLength: 12 },
  )
  .map((groups) => groups.flat().map(bytesOf));

/** Packets end behind some of the frames, and at places that are parts of the whole. */
const packets = fc
  .tuple(
    sent,
    fc.array(fc.boolean(), { minLength: 1 }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
  )
  .map(([frames, ends, places]) => {
    const bytes = Buffer.concat(frames);
    let end = 0;
    const behind = frames.map((frame) => (end += frame.length)).filter((_, at) => ends[at % ends.length]);
    return cut(bytes, [...behind, ...places.map((place) => Math.floor(place * bytes.length))]);
  });

/** One packet a turn. */
function oneByOne(chunks: readonly Buffer[]): ReadonlyArray<Buffer | "turn"> {
  return chunks.flatMap((chunk) => [chunk, "turn" as const]);
}

/**
 * Packets that come together or apart, while the socket is read from and while it is not. It is read
 * from again in a turn of its own, when what was refused before has been told.
 */
const between = {
  nothing: [],
  turn: ["turn"],
  pause: ["pause"],
  resume: ["turn", "resume"],
} as const;
const scripts = fc
  .tuple(packets, fc.array(fc.constantFrom(...Object.values(between)), { minLength: 1 }))
  .map(([chunks, steps]) => chunks.flatMap((chunk, at) => [chunk, ...(steps[at % steps.length] ?? [])]));
const reactions = fc.record({
  at: fc.nat(6),
  do: fc.constantFrom("pause" as const, "close" as const, "terminate" as const),
});

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...new Set([...places, bytes.length])].toSorted((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

describe("what a client sends", () => {
  test("is read as ws reads it, whatever it is and wherever packets cut it", async () => {
    await fc.assert(
      fc.asyncProperty(packets, async (chunks) => {
        const steps = oneByOne(chunks);
        expect(await transcript("millrace", steps)).toEqual(await transcript("ws", steps));
      }),
      { numRuns: 1000 },
    );
  });

  test("is read as ws reads it, be it read from or not, and whatever the application and the network do meanwhile", async () => {
    const how = fc.record(
      { reaction: reactions, end: fc.constantFrom("end" as const, "reset" as const) },
      { requiredKeys: ["end"] },
    );
    await fc.assert(
      fc.asyncProperty(scripts, how, async (steps, options) => {
        expect(await transcript("millrace", steps, options)).toEqual(await transcript("ws", steps, options));
      }),
      { numRuns: 1000 },
    );
  });

  test("is read as ws reads it, byte by byte", async () => {
    await fc.assert(
      fc.asyncProperty(sent, async (frames) => {
        const chunks = Array.from(Buffer.concat(frames).subarray(0, 500), (byte) => Buffer.from([byte]));
        const steps = oneByOne(chunks);
        expect(await transcript("millrace", steps)).toEqual(await transcript("ws", steps));
      }),
      { numRuns: 30 },
    );
  });

  test("is read no further when ws refuses what a packet's end cut", async () => {
    const mask = Uint8Array.of(1, 2, 3, 4);
    const shared = { first: 0x81, masked: true, mask, wide: false };
    const bytes = Buffer.concat([
      bytesOf({ ...shared, payload: Uint8Array.of(0x61, 0xff) }),
      bytesOf({ ...shared, payload: Uint8Array.of(0x62) }),
    ]);
    const chunks = cut(bytes, [7]);
    const steps = oneByOne(chunks);
    expect(await transcript("millrace", steps)).toEqual(await transcript("ws", steps));
  });
});
