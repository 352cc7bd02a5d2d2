import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, InMemoryChannelLayer, toApplication, WebsocketConsumer } from "millrace";
import { serve } from "millrace/server";
import { clientFrame, handshake, opcodes, RawClient } from "./support/raw-client.ts";
import { Log, Published } from "./support/serving.ts";

const rounds = 28;
const maxMessages = 5;
const length = 16_000;

const messages = Array.from({ length: rounds }, (_, at) =>
  `${at}:`.padEnd(length, String.fromCharCode(97 + (at % 26))),
);
/** The messages in their frames, one after the other. */
const all = Buffer.concat(
  messages.flatMap((message) => [Buffer.from([0x81, 126, length >> 8, length & 255]), Buffer.from(message)]),
);
const frameLength = length + 4;

/** All get what one of them says. */
class Room extends WebsocketConsumer {
  override groups = ["room"];

  override async receive(round: string): Promise<void> {
    await this.channelLayer.groupSend("room", { type: "room.said", round: Number(round) });
  }

  room_said({ round }: { round: number }): void {
    this.send(messages[round] ?? "");
  }
}

/** Clients that keep nothing of what they get, but hold it against what was sent. */
class Crowd {
  readonly sockets: Socket[] = [];
  /** How many of them have got something wrong. */
  wrong = 0;
  readonly #rounds = new Log<number>();
  readonly #frames = new Map<number, number>();

  /** Settles when all are open. A hundred come at once, because only so many may wait to be let in. */
  async open(path: string, count: number): Promise<void> {
    while (this.sockets.length < count) {
      const next = Array.from({ length: Math.min(100, count - this.sockets.length) }, () => this.#member(path));
      this.sockets.push(...next);
      await Promise.all(next.map((socket) => once(socket, "data")));
    }
  }

  /** Settles when all have got the message of a round. */
  async got(round: number): Promise<void> {
    await this.#rounds.find((entry) => entry === round);
  }

  #member(path: string): Socket {
    const socket = connect(path);
    let head: Buffer | undefined = Buffer.alloc(0);
    let got = 0;
    const take = (chunk: Buffer): void => {
      const before = got;
      got += chunk.length;
      if (!all.subarray(before, got).equals(chunk)) this.wrong++;
      for (let at = Math.floor(before / frameLength); at < Math.floor(got / frameLength); at++) this.#count(at);
    };
    socket.on("data", (chunk) => {
      if (head === undefined) return take(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return undefined;
      const rest = head.subarray(end + 4);
      head = undefined;
      return take(rest);
    });
    socket.write(handshake());
    return socket;
  }

  #count(round: number): void {
    const count = (this.#frames.get(round) ?? 0) + 1;
    this.#frames.set(round, count);
    if (count === this.sockets.length) this.#rounds.add(round);
  }
}

test("a reader that stalls costs 999 others no message, and the server no more than its bound", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  // A Unix socket, because the kernel takes less for it.
  const unix = join(folder, "socket");
  const connections = new Log<Connection>();
  const room = toApplication(Room);
  const layer = new InMemoryChannelLayer();
  const server = await serve(
    (connection) => {
      if (connection.scope.type === "websocket") connections.add(connection);
      return room(connection);
    },
    {
      unix,
      outbound: { maxMessages, maxBytes: 1024 * 1024, whenFull: "dropOldest" },
      layers: { default: layer },
      shutdownTimeout: 500,
    },
  );
  using published = new Published("millrace:websocket:dropped");
  using stalled = await RawClient.open(unix);
  stalled.socket.pause();
  // What a connection of the server's tells beyond the interface of all.
  const behind = connections.entries[0] as Connection & { readonly bufferedAmount: number };
  const crowd = new Crowd();
  try {
    await crowd.open(unix, 999);
    let mostBuffered = 0;
    for (let round = 0; round < rounds; round++) {
      crowd.sockets[0]?.write(clientFrame(opcodes.text, String(round)));
      await crowd.got(round);
      mostBuffered = Math.max(mostBuffered, behind.bufferedAmount);
    }
    expect(crowd.wrong).toBe(0);
    expect(mostBuffered).toBeLessThanOrEqual((maxMessages + 2) * frameLength);
    const drops = published.of("millrace:websocket:dropped");
    expect(drops.every(({ scope, reason }) => scope === behind.scope && reason === "full")).toBe(true);
    const dropped = drops.reduce((sum, { messages: count }) => sum + count, 0);
    expect(dropped).toBeGreaterThan(0);
    stalled.socket.resume();
    const got: string[] = [];
    while (got.length < rounds - dropped) got.push(await stalled.text());
    const first = messages.slice(0, rounds - dropped - maxMessages);
    expect(got).toEqual([...first, ...messages.slice(-maxMessages)]);
  } finally {
    for (const socket of crowd.sockets) socket.destroy();
    await server.close();
    await layer.close();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
