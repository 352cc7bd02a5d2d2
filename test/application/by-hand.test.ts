import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { HttpCommunicator } from "millrace/testing";
import { ByHandProgram, ByHandStatusConsumer } from "../../consumers/lesson/by-hand-program.ts";
import { RawClient } from "./raw-client.ts";

let program: ByHandProgram;
let clients: RawClient[];

beforeEach(async () => {
  program = new ByHandProgram();
  clients = [];
  await program.start(0);
});
afterEach(async () => {
  for (const client of clients) client.end();
  await program.stop();
});

describe("the WebSocket by hand", () => {
  test("answers the handshake of RFC 6455 as the RFC says", async () => {
    const client = await openTcp();
    await client.write(handshake("dGhlIHNhbXBsZSBub25jZQ=="));
    const answer = await client.readTo("\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  });

  test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])("reads and writes a message of %i bytes", async (length) => {
    const client = await openSocket();
    const message = "x".repeat(length);
    await client.write(frame(message));
    expect(await readFrame(client)).toEqual({ message, form: length <= 125 ? 7 : length <= 65_535 ? 16 : 64 });
  });

  test("reads what is not ASCII", async () => {
    const client = await openSocket();
    await client.write(frame("服务端收到了 🌊"));
    expect(await readFrame(client)).toMatchObject({ message: "服务端收到了 🌊" });
  });

  test("reads a handshake and a message that come byte by byte", async () => {
    const client = await openTcp();
    for (const byte of Buffer.concat([Buffer.from(handshake()), frame("slowly"), frame("x".repeat(126))])) {
      await client.write(Buffer.of(byte));
    }
    await client.readTo("\r\n\r\n");
    expect(await readFrame(client)).toMatchObject({ message: "slowly" });
    expect(await readFrame(client)).toMatchObject({ message: "x".repeat(126) });
  });

  test("reads a handshake and three messages that come in one piece", async () => {
    const client = await openTcp();
    await client.write(Buffer.concat([Buffer.from(handshake()), frame("one"), frame("two"), frame("three")]));
    await client.readTo("\r\n\r\n");
    for (const message of ["one", "two", "three"]) expect(await readFrame(client)).toMatchObject({ message });
  });

  test("tells everybody what one says", async () => {
    const [one, other] = [await openSocket(), await openSocket()];
    await one.write(frame("hello"));
    for (const client of [one, other]) expect(await readFrame(client)).toMatchObject({ message: "hello" });
  });

  test.each([
    ["no handshake", "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"],
    ["a head that does not end", "x".repeat(8193)],
    ["something else", "\r\n\r\n"],
  ])("hangs up on %s", async (_, bytes) => {
    const client = await openTcp();
    await client.write(bytes);
    expect(await client.ended()).toBe(true);
  });

  test.each([
    ["a frame without a mask", Buffer.from([0x81, 2, 104, 105])],
    ["a message over 1 MiB, before it has come", Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1])],
    ["a length beyond all numbers", Buffer.from([0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255])],
    ["a close frame", frame("", 8)],
  ])("hangs up on %s, and goes on for the others", async (_, bytes) => {
    const [one, other] = [await openSocket(), await openSocket()];
    await one.write(bytes);
    expect(await one.ended()).toBe(true);
    await other.write(frame("still here"));
    expect(await readFrame(other)).toMatchObject({ message: "still here" });
  });
});

describe("the program by hand", () => {
  test("says where it listens", async () => {
    expect(await status(program)).toEqual({ port: expect.any(Number) });
  });

  test("says that its port is taken, and lets the rest live", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const late = new ByHandProgram();
    await late.start(port);
    expect(await status(late)).toEqual({ problem: `Port ${port} is taken by another program.` });
    await late.stop();
    other.close();
  });

  test("says that its port is none, and lets the rest live", async () => {
    const wrong = new ByHandProgram();
    await wrong.start(Number("eighty"));
    expect(await status(wrong)).toEqual({ problem: expect.stringMatching(/^Port NaN can't be used/) });
  });

  test("stops with clients that are connected, and starts again", async () => {
    const client = await openSocket();
    await program.stop();
    await client.ended();
    await program.start(0);
    const again = await openSocket();
    await again.write(frame("again"));
    expect(await readFrame(again)).toMatchObject({ message: "again" });
  });
});

async function openTcp(): Promise<RawClient> {
  if (!("port" in program.status)) throw new Error("The program does not listen");
  const client = await RawClient.open(program.status.port);
  clients.push(client);
  return client;
}

async function openSocket(): Promise<RawClient> {
  const client = await openTcp();
  await client.write(handshake());
  await client.readTo("\r\n\r\n");
  return client;
}

function handshake(key = "AAAAAAAAAAAAAAAAAAAAAA=="): string {
  return `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
}

/** A client's frame, masked. */
function frame(message: string, opcode = 1): Buffer {
  const body = Buffer.from(message);
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (head.length === 2 ? body.length : head.length === 4 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeUInt32BE(body.length, 6);
  return Buffer.concat([head, mask, body.map((byte, at) => byte ^ mask.readUInt8(at % 4))]);
}

/** The next message from the server, and how many bits held its length. */
async function readFrame(client: RawClient): Promise<{ message: string; form: 7 | 16 | 64 }> {
  const head = await client.read(2);
  expect(head.readUInt8(0)).toBe(0x81);
  const short = head.readUInt8(1);
  if (short < 126) return { message: (await client.read(short)).toString(), form: 7 };
  if (short === 126) {
    const length = (await client.read(2)).readUInt16BE(0);
    return { message: (await client.read(length)).toString(), form: 16 };
  }
  const length = Number((await client.read(8)).readBigUInt64BE(0));
  return { message: (await client.read(length)).toString(), form: 64 };
}

async function status(of: ByHandProgram): Promise<unknown> {
  const application = ByHandStatusConsumer.asApplication({ program: of });
  return JSON.parse((await new HttpCommunicator(application, "GET", "/").getResponse()).text);
}
