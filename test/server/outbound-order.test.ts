import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection, Diagnostics } from "millrace";
import { serve } from "millrace/server";
import {
  clientFrame,
  closeFrame,
  closeOf,
  compressedFrame,
  firstByte,
  type Frame,
  handshake,
  inflated,
  opcodes,
} from "./support/raw-client.ts";
import { accepting, Log, Published } from "./support/serving.ts";

/** A client that takes frames apart as they come, and answers a close frame. */
class Reader {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  /** Settles when the server has ended; what is left then was no whole frame. */
  readonly ended: Promise<Buffer>;
  #rest = Buffer.alloc(0);
  #upgraded = false;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.write(handshake("/", { "Sec-WebSocket-Extensions": "permessage-deflate" }));
    this.socket.on("data", (chunk) => this.#take(chunk));
    this.ended = new Promise((resolve) => this.socket.on("end", () => resolve(this.#rest)));
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.#upgraded = true;
      this.#rest = this.#rest.subarray(end + 4);
    }
    for (let size = this.#parse(); size > 0; size = this.#parse()) this.#rest = this.#rest.subarray(size);
  }

  /** Takes a whole frame from the front, and tells its size; 0 when there is none. */
  #parse(): number {
    const bytes = this.#rest;
    if (bytes.length < 2) return 0;
    const [first = 0, second = 0] = bytes;
    const header = second === 126 ? 4 : second === 127 ? 10 : 2;
    if (bytes.length < header) return 0;
    const length = header === 2 ? second : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < header + length) return 0;
    const payload = bytes.subarray(header, header + length);
    this.frames.push({ ...firstByte(first), masked: second >= 0x80, payload });
    if ((first & 0x0f) === opcodes.close) this.socket.end(clientFrame(opcodes.close, payload));
    return header + length;
  }
}

type Step =
  | { readonly do: "send"; readonly sizes: readonly number[] }
  | { readonly do: "turn" | "ping" | "pause" | "resume" };

const size = fc.oneof(fc.nat(130), fc.nat(130), fc.nat(20_000), fc.constantFrom(65_535, 65_536));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), sizes: fc.array(size, { maxLength: 12 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("turn" as const, "ping" as const, "pause" as const, "resume" as const),
    }),
  },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the runs reached. A run that did not reach all of it would prove little. */
const nothingReached = {
  runs: 0,
  behind: 0,
  droppedByPolicy: 0,
  replaced: 0,
  closedByPeerWithData: 0,
  closedWhileBehind: 0,
  compressed: 0,
  plain: 0,
  pongs: 0,
};
let reached = { ...nothingReached };

/** One socket under test, with what was sent over it. */
class Trial {
  readonly connection: Connection;
  readonly reader: Reader;
  sent = 0;
  pings = 0;

  constructor(connection: Connection, reader: Reader) {
    this.connection = connection;
    this.reader = reader;
  }

  /** Sends a message that tells its number and its length, so that a torn one shows. */
  send(length: number): boolean {
    const number = this.sent++;
    const text = `${number}:${length}:${filling(number, length)}`;
    // Every third is binary: both opcodes take the same way.
    const message = this.sent % 3 === 0 ? { bytes: Buffer.from(text) } : { text };
    // Every fourth may replace another: none of the others may move by it.
    const latest = number % 4 === 0 ? "latest" : undefined;
    return this.connection.send({ type: "websocket.send", ...message, latest });
  }

  async run(steps: readonly Step[]): Promise<void> {
    const { socket } = this.reader;
    for (const taken of steps) {
      if (taken.do === "send") for (const length of taken.sizes) this.send(length);
      else if (taken.do === "turn") await turn();
      else if (taken.do === "ping") socket.write(clientFrame(opcodes.ping, String(this.pings++)));
      else socket[taken.do]();
    }
  }

  /** Makes the client fall behind, until the policy has to drop messages. */
  async overfill(): Promise<void> {
    this.reader.socket.pause();
    while (this.send(16_000)) await turn();
    reached.behind++;
    for (let at = 0; at <= maxMessages + 3; at++) this.send(at);
  }

  /** Holds what the client got against what was sent, and what the server says it dropped. */
  async check(close: { code: number; reason: string }, published: Published): Promise<void> {
    expect(await this.reader.ended).toHaveLength(0);
    const { frames } = this.reader;
    expect(closeOf(frames.at(-1) as Frame)).toEqual(close);
    expect(frames.filter(({ opcode }) => opcode === opcodes.close)).toHaveLength(1);
    expect(frames.every(({ fin, masked }) => fin && !masked)).toBe(true);
    const pongs = frames
      .filter(({ opcode }) => opcode === opcodes.pong)
      .map(({ payload }) => Number(payload.toString()));
    // A ping that arrives after the server's close frame has no answer.
    const answered = close.code === byPeer ? this.pings : pongs.length;
    expect(pongs).toEqual(Array.from({ length: answered }, (_, at) => at));
    const data = frames.filter(({ opcode }) => opcode === opcodes.text || opcode === opcodes.binary);
    const numbers = data.map((frame) => numberOf(inflated(frame).toString()));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    expect(new Set(numbers).size).toBe(numbers.length);
    const drops = published.of("millrace:websocket:dropped").filter(({ scope }) => scope === this.connection.scope);
    const dropped = drops.reduce((sum, { messages }) => sum + messages, 0);
    // Only what was sent after the server's own close is too late.
    const late = drops.filter(({ reason }) => reason === "closed");
    expect(late).toHaveLength(close.code === byPeer ? 0 : 1);
    expect(numbers.length + dropped).toBe(this.sent);
    reached.droppedByPolicy += countOf(drops, "full");
    reached.replaced += countOf(drops, "replaced");
    const compressed = data.filter((frame) => frame.compressed).length;
    reached.compressed += compressed;
    reached.plain += data.length - compressed;
    reached.pongs += pongs.length;
  }
}

type Drop = Diagnostics["millrace:websocket:dropped"];

function countOf(drops: readonly Drop[], why: Drop["reason"]): number {
  return drops.reduce((sum, { reason, messages }) => sum + (reason === why ? messages : 0), 0);
}

const noise = randomBytes(32 * 1024).toString("base64");

/** What a message is filled with: for every second something that can't be made much shorter. */
function filling(number: number, length: number): string {
  if (number % 2 === 0) return noise.repeat(2).slice(number, number + length);
  return String.fromCharCode(97 + (number % 26)).repeat(length);
}

/** The number of a message that came whole; NaN for one that did not. */
function numberOf(text: string): number {
  const [number = "", length = "", filled = ""] = text.split(":");
  return filled === filling(Number(number), Number(length)) ? Number(number) : Number.NaN;
}

const maxMessages = 8;
const [byServer, byPeer] = [4000, 4001];

test.each([
  ["plain", false],
  ["compressed and plain", { threshold: 64, maxSize: 50_000 }],
])(
  "no mixture of sends, pings, closes, early and slow readers reorders or tears frames: %s",
  async (...[, compression]) => {
    reached = { ...nothingReached };
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    // A Unix socket, because it holds less and so falls behind sooner.
    const unix = join(folder, "socket");
    const connections = new Log<Connection>();
    const trials = new Map<Connection["scope"], Trial>();
    await using _ = await serve(
      accepting((event, connection) => {
        if (event.type === "websocket.connect") connections.add(connection);
        if (event.type === "websocket.receive") trials.get(connection.scope)?.send(100);
      }),
      {
        unix,
        outbound: { maxMessages, maxBytes: 4 * 1024 * 1024, whenFull: "dropOldest" },
        compression,
        shutdownTimeout: 500,
      },
    );

    async function open(): Promise<Trial> {
      const known = connections.entries.length;
      const reader = new Reader(unix);
      const connection = await connections.find((entry) => connections.entries.indexOf(entry) >= known);
      const trial = new Trial(connection, reader);
      trials.set(connection.scope, trial);
      return trial;
    }

    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(step, { maxLength: 40 }),
      async (first, second) => {
        using published = new Published("millrace:websocket:dropped");
        const closedByServer = await open();
        await closedByServer.run(first);
        await closedByServer.overfill();
        expect(closedByServer.connection.send({ type: "websocket.close", code: byServer, reason: "done" })).toBe(true);
        reached.closedWhileBehind++;
        closedByServer.send(1);
        closedByServer.reader.socket.resume();
        await closedByServer.check({ code: byServer, reason: "done" }, published);

        const closedByPeer = await open();
        await closedByPeer.run(second);
        closedByPeer.reader.socket.resume();
        await closedByPeer.connection.drained();
        const data = [1, 2, 3].map((at) =>
          compression === false ? clientFrame(opcodes.text, String(at)) : compressedFrame(opcodes.text, String(at)),
        );
        closedByPeer.reader.socket.write(Buffer.concat([...data, closeFrame(byPeer, "enough")]));
        reached.closedByPeerWithData++;
        await closedByPeer.check({ code: byPeer, reason: "enough" }, published);
        reached.runs++;
      },
    );
    try {
      await fc.assert(property, { numRuns: 100 });
    } finally {
      rmSync(folder, { recursive: true });
    }
    process.stdout.write(`Outbound order reached: ${JSON.stringify(reached)}\n`);
    const { compressed, ...others } = reached;
    expect(Object.values(others).every((count) => count > 0)).toBe(true);
    expect(compressed > 0).toBe(compression !== false);
    expect(
      Math.min(reached.behind, reached.droppedByPolicy, reached.closedByPeerWithData, reached.closedWhileBehind),
    ).toBeGreaterThanOrEqual(reached.runs);
  },
  60_000,
);
