import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Writable } from "node:stream";
import { textFrame } from "../../src/server/frame.ts";
import type { OutboundOptions } from "../../src/server/options.ts";
import { Outbound } from "../../src/server/outbound.ts";

/** A stream that counts what reaches it, and takes more only when it is told to. */
class Counted extends Writable {
  readonly writes: Buffer[] = [];
  readonly #pending: Array<() => void> = [];
  stuck: boolean;

  constructor({ stuck = false } = {}) {
    super({ highWaterMark: 100 });
    this.stuck = stuck;
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.#took(chunk, done);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: () => void): void {
    this.#took(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  /** Takes all that it was given, and all that follows. */
  free(): void {
    this.stuck = false;
    for (const done of this.#pending.splice(0)) done();
  }

  /** Takes the first of what it was given, and nothing more. */
  freeFirst(): void {
    this.#pending.shift()?.();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }

  #took(chunk: Buffer, done: () => void): void {
    this.writes.push(chunk);
    if (this.stuck) this.#pending.push(done);
    else done();
  }
}

function outboundTo(socket: Counted, limits: OutboundOptions = {}) {
  const dropped: string[] = [];
  const owner = {
    writable: true,
    dropped: (reason: string, messages: number): void => void dropped.push(`${messages} ${reason}`),
    overflowed: (): void => void dropped.push("overflowed"),
  };
  const all = { maxMessages: 100, maxBytes: 10_000, whenFull: "close" as const, ...limits };
  return { outbound: new Outbound(socket, all, owner), owner, dropped };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Makes a socket fall behind, and returns the frame that did it. */
async function fallBehind(outbound: Outbound): Promise<Buffer> {
  const frame = textFrame("x".repeat(150));
  outbound.send(frame);
  await turn();
  return frame;
}

describe("outbound", () => {
  test("one write a turn: 16 sends in a turn are one write", async () => {
    const socket = new Counted();
    const { outbound } = outboundTo(socket);
    const frames = Array.from({ length: 16 }, (_, at) => textFrame(`message ${at}`));
    for (const frame of frames) expect(outbound.send(frame)).toBe(true);
    expect(socket.writes).toHaveLength(0);
    await turn();
    expect(socket.writes).toHaveLength(1);
    expect(socket.bytes).toEqual(Buffer.concat(frames));
  });

  test("a large frame among small ones is not copied, and the turn is one write all the same", async () => {
    const socket = new Counted();
    const { outbound } = outboundTo(socket, { maxBytes: 1_000_000 });
    const frames = [1, 2, 40_000, 3, 4, 20_000, 16_000, 5].map((size) => textFrame("y".repeat(size)));
    for (const frame of frames) outbound.send(frame);
    await turn();
    expect(socket.writes).toHaveLength(1);
    expect(socket.bytes.equals(Buffer.concat(frames))).toBe(true);
  });

  test("while the socket is behind, frames wait; drained() settles when they have gone", async () => {
    const socket = new Counted({ stuck: true });
    const { outbound } = outboundTo(socket);
    const first = await fallBehind(outbound);
    const [second, third] = [textFrame("second"), textFrame("third")];
    expect(outbound.send(second)).toBe(false);
    expect(outbound.send(third)).toBe(false);
    await turn();
    expect(socket.writes).toEqual([first]);
    expect(outbound.bufferedAmount).toBe(first.length + second.length + third.length);
    let drained = false;
    const draining = outbound.drained().then(() => (drained = true));
    await turn();
    expect(drained).toBe(false);
    socket.free();
    await draining;
    expect(socket.bytes).toEqual(Buffer.concat([first, second, third]));
    expect(outbound.bufferedAmount).toBe(0);
    await expect(outbound.drained()).resolves.toBeUndefined();
  });

  test("seal writes all that waits, behind or not, and takes no more", async () => {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket);
    const first = await fallBehind(outbound);
    const last = textFrame("last");
    outbound.send(last);
    const drained = outbound.drained();
    outbound.seal();
    await drained;
    expect(outbound.send(textFrame("late"))).toBe(false);
    expect(dropped).toEqual(["1 closed"]);
    socket.free();
    expect(socket.bytes).toEqual(Buffer.concat([first, last]));
  });

  test("end drops what waits, tells how much, and lets go of the socket", async () => {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket);
    await fallBehind(outbound);
    outbound.send(textFrame("a"));
    outbound.send(textFrame("b"));
    const drained = outbound.drained();
    outbound.end();
    await drained;
    expect(dropped).toEqual(["2 closed"]);
    expect(socket.listenerCount("drain")).toBe(0);
  });

  test("nothing is written to a socket that is no longer open", async () => {
    const socket = new Counted();
    const { outbound, owner, dropped } = outboundTo(socket);
    outbound.send(textFrame("before"));
    owner.writable = false;
    await turn();
    expect(outbound.send(textFrame("after"))).toBe(false);
    outbound.end();
    expect(socket.writes).toHaveLength(0);
    expect(dropped).toEqual(["1 closed", "1 closed"]);
  });
});

describe("a frame with a key", () => {
  const frame = (text: string): Buffer => textFrame(text.padEnd(10));

  /** What waits for a socket that was sent frames while it was behind. */
  async function waiting(limits: OutboundOptions, sent: ReadonlyArray<readonly [text: string, key?: string]>) {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket, limits);
    await fallBehind(outbound);
    expect(sent.map(([text, key]) => outbound.send(frame(text), key))).not.toContain(true);
    const { bufferedAmount } = outbound;
    socket.free();
    const texts = (socket.writes[1] ?? Buffer.alloc(0)).toString().match(/[a-z]\d/g) ?? [];
    expect(bufferedAmount).toBe(socket.bytes.length);
    return { texts, dropped };
  }

  test("takes the place of one with the same key that waits, which is told", async () => {
    const { texts, dropped } = await waiting({}, [["a1", "a"], ["x1"], ["b1", "b"], ["a2", "a"], ["x2"], ["a3", "a"]]);
    expect(texts).toEqual(["x1", "b1", "x2", "a3"]);
    expect(dropped).toEqual(["1 replaced", "1 replaced"]);
  });

  test("replaces none that waits only for the end of the turn", async () => {
    const socket = new Counted();
    const { outbound, dropped } = outboundTo(socket);
    for (const at of [1, 2, 3]) outbound.send(frame(`a${at}`), "a");
    await turn();
    expect(socket.bytes).toEqual(Buffer.concat([1, 2, 3].map((at) => frame(`a${at}`))));
    expect(dropped).toEqual([]);
  });

  test("is another message than one whose text is the same", async () => {
    const { texts } = await waiting({}, [["s1", "a"], ["x1"], ["s1", "b"], ["b2", "b"]]);
    expect(texts).toEqual(["s1", "x1", "b2"]);
  });

  test("has room in a full queue if it replaces one there, and else follows the policy", async () => {
    const sent = [
      ["a1", "a"],
      ["b1", "b"],
      ["a2", "a"],
      ["c1", "c"],
      ["b2", "b"],
    ] as const;
    const closed = await waiting({ maxMessages: 2, whenFull: "dropNewest" }, sent);
    expect(closed).toEqual({ texts: ["a2", "b2"], dropped: ["1 replaced", "1 full", "1 replaced"] });
    const oldest = await waiting({ maxMessages: 2, whenFull: "dropOldest" }, sent);
    expect(oldest).toEqual({ texts: ["c1", "b2"], dropped: ["1 replaced", "1 full", "1 full"] });
  });

  test("bounds what waits by the number of keys, however many are sent", async () => {
    const sent = Array.from({ length: 50_000 }, (_, at) => [`${"abc"[at % 3]}${at % 10}`, String(at % 3)] as const);
    const { texts, dropped } = await waiting({ maxMessages: 3 }, sent);
    expect(texts).toEqual(["b7", "c8", "a9"].map((_, at) => sent.at(at - 3)?.[0]));
    expect(dropped).toHaveLength(sent.length - 3);
  });
});

describe("a full queue", () => {
  const numbered = (at: number): Buffer => textFrame(`number ${at}`);

  async function overfill(limits: OutboundOptions) {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket, limits);
    const first = await fallBehind(outbound);
    for (let at = 0; at < 5; at++) outbound.send(numbered(at));
    socket.free();
    await turn();
    expect(socket.writes[0]).toEqual(first);
    return { rest: Buffer.concat(socket.writes.slice(1)), dropped };
  }

  test.each([
    ["messages", { maxMessages: 3 }],
    ["bytes", { maxBytes: 154 + 3 * 10 + 9 }],
  ])("of %s closes by default, after what it holds", async (_, limits) => {
    const { rest, dropped } = await overfill(limits);
    expect(rest).toEqual(Buffer.concat([0, 1, 2].map(numbered)));
    expect(dropped).toEqual(["1 full", "overflowed", "1 full", "overflowed"]);
  });

  test.each([
    ["messages", { maxMessages: 3 }],
    ["bytes", { maxBytes: 154 + 3 * 10 + 9 }],
  ])("of %s drops the oldest on demand", async (_, limits) => {
    const { rest, dropped } = await overfill({ ...limits, whenFull: "dropOldest" });
    expect(rest).toEqual(Buffer.concat([2, 3, 4].map(numbered)));
    expect(dropped).toEqual(["1 full", "1 full"]);
  });

  test("drops the newest on demand", async () => {
    const { rest, dropped } = await overfill({ maxMessages: 3, whenFull: "dropNewest" });
    expect(rest).toEqual(Buffer.concat([0, 1, 2].map(numbered)));
    expect(dropped).toEqual(["1 full", "1 full"]);
  });

  test("is no obstacle while the socket keeps up: a burst is written as it grows", async () => {
    const socket = new Counted();
    const { outbound, dropped } = outboundTo(socket, { maxMessages: 3 });
    for (let at = 0; at < 100; at++) outbound.send(numbered(at));
    await turn();
    await turn();
    expect(socket.bytes).toEqual(Buffer.concat(Array.from({ length: 100 }, (_, at) => numbered(at))));
    expect(dropped).toEqual([]);
  });

  test("takes one message alone, whatever its size", async () => {
    const socket = new Counted();
    const { outbound, dropped } = outboundTo(socket, { maxBytes: 10 });
    const frame = textFrame("z".repeat(1000));
    outbound.send(frame);
    await turn();
    expect(socket.bytes).toEqual(frame);
    expect(dropped).toEqual([]);
  });

  test("drops no older message in vain, for one that has no room even then", async () => {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket, { maxBytes: 200, whenFull: "dropOldest" });
    await fallBehind(outbound);
    outbound.send(numbered(1));
    expect(outbound.send(textFrame("w".repeat(100)))).toBe(false);
    expect(dropped).toEqual(["1 full"]);
    socket.free();
    expect(socket.writes.at(-1)).toEqual(numbered(1));
  });

  test("drops what comes once the socket has closed within the turn, and what was taken before, each told once", () => {
    const socket = new Counted();
    const { outbound, owner, dropped } = outboundTo(socket, { maxMessages: 2, whenFull: "dropOldest" });
    outbound.send(numbered(1));
    owner.writable = false;
    for (const at of [2, 3, 4]) outbound.send(numbered(at));
    expect(dropped).toEqual(["1 closed", "1 closed"]);
    outbound.end();
    expect(dropped).toEqual(["1 closed", "1 closed", "2 closed"]);
    expect(socket.writes).toEqual([]);
  });

  test("has room again as the socket takes what it held, be it in the turn in which it fell behind", async () => {
    const socket = new Counted({ stuck: true });
    const { outbound, dropped } = outboundTo(socket, { maxBytes: 110, whenFull: "dropOldest" });
    const [first, second, third, fourth] = [78, 20, 60, 70].map((size) => textFrame("u".repeat(size))) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    outbound.send(first);
    await turn();
    outbound.send(second);
    outbound.flush();
    socket.freeFirst();
    outbound.send(third);
    expect(dropped).toEqual([]);
    outbound.send(fourth);
    expect(dropped).toEqual(["1 full"]);
    socket.free();
    await turn();
    expect(socket.bytes).toEqual(Buffer.concat([first, second, fourth]));
  });
});

describe("whatever a socket takes and when", () => {
  type Step =
    | { readonly size: number; readonly key: string | undefined }
    | "turn"
    | "flush"
    | "stick"
    | "free"
    | "freeFirst"
    | "closing"
    | "seal"
    | "end";
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ size: fc.nat(150), key: fc.constantFrom(undefined, undefined, "a", "0") }),
    },
    { weight: 2, arbitrary: fc.constantFrom<Step[]>("turn", "flush", "stick", "free", "freeFirst") },
    { weight: 1, arbitrary: fc.constantFrom<Step[]>("closing", "seal", "end") },
  );
  const limits = fc.record({
    maxMessages: fc.integer({ min: 1, max: 6 }),
    maxBytes: fc.integer({ min: 1, max: 400 }),
    whenFull: fc.constantFrom("close" as const, "dropOldest" as const, "dropNewest" as const),
  });

  /** Sends and lets the socket take what it is told to. Gives how much was sent. */
  async function run(
    steps: readonly Step[],
    socket: Counted,
    { outbound, owner }: Pick<ReturnType<typeof outboundTo>, "outbound" | "owner">,
  ): Promise<number> {
    let sent = 0;
    for (const taken of steps) {
      if (typeof taken === "object") outbound.send(textFrame(`<${sent++}>`.padEnd(taken.size)), taken.key);
      else if (taken === "turn") await turn();
      else if (taken === "stick") socket.stuck = true;
      else if (taken === "free" || taken === "freeFirst") socket[taken]();
      else if (taken === "closing") owner.writable = false;
      else outbound[taken]();
    }
    return sent;
  }

  test("each message is written, in its order, or told as dropped, once", async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), limits, async (steps, bounds) => {
      const socket = new Counted();
      const { outbound, owner, dropped } = outboundTo(socket, bounds);
      const sent = await run(steps, socket, { outbound, owner });
      socket.free();
      await turn();
      outbound.end();
      const numbers = [...socket.bytes.toString().matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
      expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other));
      const told = dropped.filter((entry) => entry !== "overflowed").map((entry) => Number.parseInt(entry, 10));
      expect(numbers.length + told.reduce((sum, messages) => sum + messages, 0)).toBe(sent);
      expect(socket.listenerCount("drain")).toBe(0);
    });
    await fc.assert(property, { numRuns: 1000 });
  });
});
