import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { WebSocket } from "ws";
import { InMemoryChannelLayer, JsonWebsocketConsumer, WebsocketConsumer } from "millrace";
import type { ServeOptions } from "millrace/server";
import {
  clientFrame,
  closeFrame,
  closeOf,
  compressedFrame,
  deflated,
  type Frame,
  handshake,
  inflated,
  opcodes,
  RawClient,
} from "./support/raw-client.ts";
import { Compression } from "../../src/server/compression.ts";
import { binaryFrame, textFrame } from "../../src/server/frame.ts";
import { maxPendingPongs } from "../../src/server/upgrader.ts";
import { accepting, Log, Published, serving, type Serving } from "./support/serving.ts";

/** Answers with what it gets. */
class Echo extends WebsocketConsumer {
  override receive(text: string): void {
    this.send(text);
  }

  override receiveBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }
}

/** All members get what one of them says. */
class Room extends WebsocketConsumer {
  override groups = ["room"];

  override async receive(message: string): Promise<void> {
    await this.channelLayer.groupSend("room", { type: "room.text", message });
  }

  override async receiveBytes(message: Uint8Array): Promise<void> {
    await this.channelLayer.groupSend("room", { type: "room.bytes", message: Buffer.from(message) });
  }

  room_text({ message }: { message: string }): void {
    this.send(message);
  }

  room_bytes({ message }: { message: Uint8Array }): void {
    this.send(message);
  }
}

const deflate = "permessage-deflate";
const text = JSON.stringify(Array.from({ length: 60 }, (_, at) => ({ id: at, text: `message ${at}` })));
const noise = randomBytes(4096).toString("base64");

function open(serves: Serving, offer: string | undefined): Promise<RawClient> {
  return RawClient.open(serves.port, "/", { "Sec-WebSocket-Extensions": offer });
}

/** What a handshake with an offer is answered with. */
async function answerTo(serves: Serving, offer: string): Promise<string | number | undefined> {
  using client = await RawClient.connect(serves.port);
  client.write(handshake("/", { "Sec-WebSocket-Extensions": offer }));
  const { status, headers } = await client.head();
  return status === 101 ? headers["sec-websocket-extensions"] : status;
}

describe("what is agreed on", () => {
  const both = `${deflate}; server_no_context_takeover; client_no_context_takeover`;

  test.each([
    ["", 400],
    ["x-webkit-deflate-frame", undefined],
    [deflate, both],
    [`${deflate}; client_max_window_bits`, both],
    [`${deflate}; client_max_window_bits=10`, both],
    [`${deflate}; client_no_context_takeover; server_no_context_takeover`, both],
    [`${deflate}; server_max_window_bits=15`, `${both}; server_max_window_bits=15`],
    [`${deflate}; server_max_window_bits="10"`, `${both}; server_max_window_bits=10`],
    [`${deflate}; server_max_window_bits=8`, `${both}; server_max_window_bits=8`],
    [`${deflate}; server_max_window_bits=10, ${deflate}`, both],
    [`x-other; a=b, ${deflate}; client_max_window_bits, ${deflate}`, both],
    [`${deflate}; server_max_window_bits=16, ${deflate}`, both],
    [`${deflate}; server_max_window_bits=16`, undefined],
    [`${deflate}; server_max_window_bits=7`, undefined],
    [`${deflate}; server_max_window_bits=010`, undefined],
    [`${deflate}; server_max_window_bits`, undefined],
    [`${deflate}; client_max_window_bits=16`, undefined],
    [`${deflate}; client_no_context_takeover=true`, undefined],
    [`${deflate}; server_no_context_takeover; server_no_context_takeover`, undefined],
    [`${deflate}; unheard_of`, undefined],
    [`${deflate}; toString`, undefined],
    [`${deflate};`, 400],
    [`${deflate}; a b`, 400],
    [`${deflate}; server_max_window_bits="10`, 400],
  ])("for the offer %j is %j", async (offer, answer) => {
    await using serves = await serving(Echo, { compression: true });
    expect(await answerTo(serves, offer)).toBe(answer);
  });

  test("is nothing by default, whatever is offered", async () => {
    await using serves = await serving(Echo);
    expect(await answerTo(serves, deflate)).toBeUndefined();
    expect(await answerTo(serves, `${deflate};`)).toBeUndefined();
    using client = await open(serves, deflate);
    client.write(clientFrame(opcodes.text, text));
    expect(await client.text()).toBe(text);
    client.write(compressedFrame(opcodes.text, text));
    expect(closeOf(await client.frame())).toMatchObject({ code: 1002 });
  });

  test("reaches the application as it was offered", async () => {
    const offers = new Log<unknown>();
    await using serves = await serving(
      accepting((_, { scope }) => {
        if (scope.type === "websocket") offers.add(scope.headers["sec-websocket-extensions"]);
      }),
      { compression: true },
    );
    using _ = await open(serves, `${deflate}; client_max_window_bits`);
    expect(await offers.find(() => true)).toBe(`${deflate}; client_max_window_bits`);
  });
});

describe("a message to a client", () => {
  test("that can inflate is compressed, text and bytes alike", async () => {
    await using serves = await serving(Echo, { compression: true });
    using client = await open(serves, deflate);
    for (const opcode of [opcodes.text, opcodes.binary]) {
      client.write(clientFrame(opcode, text));
      const frame = await client.frame();
      expect(frame).toMatchObject({ fin: true, opcode, compressed: true });
      expect(frame.payload.length).toBeLessThan(text.length / 2);
      expect(inflated(frame).toString()).toBe(text);
    }
  });

  test.each([
    ["can't inflate", undefined, {}, text],
    ["can, and which is below the threshold", deflate, { threshold: text.length + 1 }, text],
    ["can, and which is too large to be compressed", deflate, { maxSize: text.length - 1 }, text],
    ["can, and which would not be shorter", deflate, {}, gzipSync(noise).toString("latin1")],
  ])("that %s is sent as it is", async (_, offer, compression, message) => {
    await using serves = await serving(Echo, { compression });
    using client = await open(serves, offer);
    client.write(clientFrame(opcodes.binary, Buffer.from(message, "latin1")));
    const frame = await client.frame();
    expect(frame.compressed).toBeUndefined();
    expect(frame.payload.toString("latin1")).toBe(message);
  });

  test("is sent as it is where its sender says so", async () => {
    class Careful extends JsonWebsocketConsumer {
      override receiveJson(content: unknown): void {
        this.send(text, { compress: false });
        this.sendJson(content, { compress: false });
        this.sendJson(content, {});
      }
    }
    await using serves = await serving(Careful, { compression: true });
    using client = await open(serves, deflate);
    client.write(clientFrame(opcodes.text, text));
    const frames = [await client.frame(), await client.frame(), await client.frame()];
    expect(frames.map(({ compressed }) => compressed)).toEqual([undefined, undefined, true]);
    expect(frames.map((frame) => inflated(frame).toString())).toEqual([text, text, text]);
  });

  test.each([8, 9, 10, 12, 14])("with a window of %i bits can be inflated with that window", async (bits) => {
    await using serves = await serving(Echo, { compression: { threshold: 0 } });
    using client = await open(serves, `${deflate}; server_max_window_bits=${bits}`);
    // Ends as it begins, so that a larger window would be made use of.
    for (const size of [2 ** bits / 2, 2 ** bits, 2 ** bits + 1, 2 ** bits * 3]) {
      const message = (noise.slice(0, size / 4) + text.repeat(40)).slice(0, size - 40) + noise.slice(0, 40);
      client.write(clientFrame(opcodes.text, message));
      const frame = await client.frame();
      expect(frame.compressed).toBe(size <= 2 ** bits ? true : undefined);
      expect(inflated(frame, bits).toString()).toBe(message);
    }
  });

  test("of every size comes whole", async () => {
    await using serves = await serving(Echo, { compression: { threshold: 0, maxSize: 2 ** 20 } });
    using client = await open(serves, deflate);
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513, 32_768, 32_769, 65_535, 65_536, 300_000]) {
      const message = (text + noise).repeat(40).slice(0, size);
      client.write(clientFrame(opcodes.text, message));
      expect(inflated(await client.frame()).toString()).toBe(message);
    }
  });
});

describe("a message to a group", () => {
  async function room(offers: ReadonlyArray<string | undefined>, options: ServeOptions = {}) {
    const layer = new InMemoryChannelLayer();
    const serves = await serving(Room, { compression: true, layers: { default: layer }, ...options });
    const clients = await Promise.all(offers.map((offer) => open(serves, offer)));
    return {
      clients,
      async [Symbol.asyncDispose]() {
        for (const client of clients) client[Symbol.dispose]();
        await serves[Symbol.asyncDispose]();
        await layer.close();
      },
    };
  }

  test("comes compressed to those that can inflate it, all the same bytes, and plain to the others", async () => {
    const small = `${deflate}; server_max_window_bits=9`;
    const offers = Array.from({ length: 30 }, (_, at) => [deflate, undefined, small][at % 3]);
    await using members = await room(offers);
    const [speaker] = members.clients;
    for (const opcode of [opcodes.text, opcodes.binary]) {
      speaker?.write(clientFrame(opcode, text));
      const frames = await Promise.all(members.clients.map((client) => client.frame()));
      const compressed = frames.filter((frame) => frame.compressed);
      expect(compressed).toHaveLength(10);
      expect(new Set(compressed.map(({ payload }) => payload.toString("latin1"))).size).toBe(1);
      expect(new Set(frames.map((frame) => inflated(frame).toString()))).toEqual(new Set([text]));
      expect(frames.every((frame) => frame.opcode === opcode)).toBe(true);
    }
  });

  test("of many keeps its place, be it compressed or not", async () => {
    await using members = await room([deflate, undefined, deflate]);
    const [speaker] = members.clients;
    const messages = Array.from({ length: 200 }, (_, at) => `${at} ${text.slice(0, (at * 97) % 2500)}`);
    speaker?.write(Buffer.concat(messages.map((message) => clientFrame(opcodes.text, message))));
    for (const client of members.clients) {
      const got: Frame[] = [];
      while (got.length < messages.length) got.push(await client.frame());
      expect(got.map((frame) => inflated(frame).toString())).toEqual(messages);
      const compressed = got.filter((frame) => frame.compressed).length;
      expect(compressed > 0 && compressed < messages.length).toBe(client !== members.clients[1]);
    }
  });
});

describe("a compressed frame", () => {
  const compression = new Compression({ threshold: 100, maxSize: 100_000, level: 3 });

  test("is one buffer for all that agreed on the same or on more, and not kept after the turn", async () => {
    const plain = textFrame(text);
    const frame = compression.framesUpTo(Number.POSITIVE_INFINITY).of(plain);
    expect(frame).not.toBe(plain);
    expect(compression.framesUpTo(Number.POSITIVE_INFINITY).of(plain)).toBe(frame);
    expect(compression.framesUpTo(4096).of(plain)).toBe(frame);
    expect(compression.framesUpTo(1024).of(plain)).toBe(plain);
    await new Promise((resolve) => setImmediate(resolve));
    const later = compression.framesUpTo(4096).of(plain);
    expect(later).not.toBe(frame);
    expect(later).toEqual(frame);
  });

  test("is found again among others, and by a frame of the same bytes", () => {
    const frames = compression.framesUpTo(Number.POSITIVE_INFINITY);
    const plain = [text, `${text}!`, `${text}?`].map((each) => binaryFrame(Buffer.from(each)));
    const made = plain.map((each) => frames.of(each));
    expect(plain.map((each) => frames.of(each))).toEqual(made);
    for (const [at, each] of plain.entries()) expect(frames.of(each)).toBe(made[at]);
    const again = Buffer.from(plain[2] ?? []);
    expect(frames.of(again)).toBe(made[2]);
  });
});

describe("the client of ws", () => {
  test.each([true, { serverMaxWindowBits: 10 }, { clientMaxWindowBits: 9 }, { clientNoContextTakeover: true }])(
    "understands, and is understood, with %j",
    async (perMessageDeflate) => {
      await using serves = await serving(Echo, { compression: { threshold: 100 } });
      const options = perMessageDeflate === true ? {} : perMessageDeflate;
      const client = new WebSocket(`ws://127.0.0.1:${serves.port}`, {
        perMessageDeflate: { ...options, threshold: 0 },
      });
      const messages = ["", "short", text, noise, text.repeat(100), text];
      const got = new Log<string>();
      client.on("message", (data: Buffer) => got.add(data.toString()));
      await once(client, "open");
      expect(client.extensions).toBe(deflate);
      for (const message of messages) client.send(message);
      await got.find(() => got.entries.length === messages.length);
      expect(got.entries).toEqual(messages);
      client.close();
      await once(client, "close");
    },
  );
});

describe("a message of a client", () => {
  /** What an application got, as text. */
  async function listening(options: ServeOptions = {}) {
    const got = new Log<string>();
    const serves = await serving(
      accepting((event) => {
        if (event.type === "websocket.receive" && "text" in event) got.add(event.text as string);
        if (event.type === "websocket.disconnect") got.add(`closed ${Number(event["code"])}`);
      }),
      { compression: true, ...options },
    );
    return { got, serves, [Symbol.asyncDispose]: () => serves[Symbol.asyncDispose]() };
  }

  test("is inflated, in fragments too, and keeps its place among plain ones, pings and the close frame", async () => {
    await using application = await listening();
    using client = await open(application.serves, deflate);
    const whole = deflated("fragments");
    const frames = Array.from({ length: maxPendingPongs }, (_, at) => [
      compressedFrame(opcodes.text, `compressed ${at}`),
      clientFrame(opcodes.text, `plain ${at}`),
      clientFrame(0x40 | opcodes.text, whole.subarray(0, 3), { fin: false }),
      clientFrame(opcodes.ping, String(at)),
      clientFrame(opcodes.continuation, whole.subarray(3, 4), { fin: false }),
      clientFrame(opcodes.continuation, whole.subarray(4)),
    ]);
    client.write(Buffer.concat([...frames.flat(), closeFrame(4321)]));
    for (let at = 0; at < maxPendingPongs; at++) {
      const frame = await client.frame();
      expect(frame).toMatchObject({ opcode: opcodes.pong, payload: Buffer.from(String(at)) });
    }
    expect(closeOf(await client.frame())).toMatchObject({ code: 4321 });
    client.socket.end();
    await application.got.find((entry) => entry === "closed 4321");
    const expected = frames.flatMap((_, at) => [`compressed ${at}`, `plain ${at}`, "fragments"]);
    expect(application.got.entries).toEqual([...expected, "closed 4321"]);
  });

  test("that ends by a final block of its own is inflated as well", async () => {
    await using application = await listening();
    using client = await open(application.serves, deflate);
    // From RFC 7692, section 7.2.3.4: "Hello" in a block that says that it is the last.
    const final = Buffer.from([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]);
    client.write(clientFrame(0x40 | opcodes.text, final));
    client.write(compressedFrame(opcodes.text, "next"));
    await application.got.find((entry) => entry === "next");
    expect(application.got.entries).toEqual(["Hello", "next"]);
  });

  test.each([
    ["in one frame", (bomb: Buffer) => [clientFrame(0x40 | opcodes.text, bomb)]],
    [
      "in fragments",
      (bomb: Buffer) => [
        clientFrame(0x40 | opcodes.text, bomb.subarray(0, 10), { fin: false }),
        clientFrame(opcodes.continuation, bomb.subarray(10)),
      ],
    ],
  ])("that would grow beyond its limit is not inflated further, %s: 1009", async (_, framesOf) => {
    await using application = await listening({ maxMessageSize: 100_000 });
    using client = await open(application.serves, deflate);
    client.write(compressedFrame(opcodes.text, "x".repeat(100_000)));
    await application.got.find(() => true);
    const nothing = Buffer.alloc(80_000_000);
    const frames = framesOf(deflated(nothing));
    const before = process.memoryUsage().arrayBuffers;
    for (const frame of frames) client.write(frame);
    expect(closeOf(await client.frame())).toMatchObject({ code: 1009 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(nothing.length / 2);
    client.socket.end(closeFrame(1009));
    await application.got.find((entry) => entry === "closed 1009");
  });

  test.each([
    ["is no deflate", Buffer.from([0xff, 0xff, 0xff])],
    ["is no UTF-8", deflated(Buffer.from([0xc3, 0x28]))],
  ])("that %s closes its socket with 1007", async (_, payload) => {
    await using application = await listening();
    using client = await open(application.serves, deflate);
    client.write(clientFrame(0x40 | opcodes.text, payload));
    expect(closeOf(await client.frame())).toMatchObject({ code: 1007 });
    client.socket.end(closeFrame(1007));
    expect(await application.got.find(() => true)).toBe("closed 1007");
  });

  test("waits its turn where its application is behind, be it in the same packet as others", async () => {
    using published = new Published("millrace:websocket:paused");
    const got = new Log<string>();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await using serves = await serving(
      accepting((event) => {
        if (event.type !== "websocket.receive" || !("text" in event)) return undefined;
        got.add(event.text as string);
        return released;
      }),
      { compression: true, mailboxLimit: 4 },
    );
    using client = await open(serves, deflate);
    client.write(Buffer.concat(Array.from({ length: 300 }, (_, at) => compressedFrame(opcodes.text, String(at)))));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got.entries).toEqual(["0", "1", "2", "3"]);
    release();
    await got.find((entry) => entry === "299");
    expect(got.entries).toEqual(Array.from({ length: 300 }, (_, at) => String(at)));
  });

  test("does not keep a socket from its end when the client is cut in the midst of many", async () => {
    await using application = await listening();
    using client = await open(application.serves, deflate);
    const many = Buffer.concat(Array.from({ length: 200 }, () => compressedFrame(opcodes.text, "x".repeat(70_000))));
    client.write(many.subarray(0, many.length - 3));
    await application.got.find(() => true);
    client.reset();
    expect(await application.got.find((entry) => entry.startsWith("closed"))).toBe("closed 1006");
  });

  test("is heard although the client leaves right after it", async () => {
    await using application = await listening();
    using client = await open(application.serves, deflate);
    client.socket.end(
      Buffer.concat(Array.from({ length: 50 }, () => compressedFrame(opcodes.text, "x".repeat(70_000)))),
    );
    await application.got.find((entry) => entry.startsWith("closed"));
    expect(application.got.entries).toEqual([...Array.from({ length: 50 }, () => "x".repeat(70_000)), "closed 1006"]);
  });
});
