import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";

// The WebSocket by hand: what a browser and a server say to each other, byte by byte. It is enough
// to see how it works, and not enough to rely on: no fragments, pings, binary messages, closing
// handshake, time limits or origin check.

// The magic string that everybody knows (公认的魔法字符串).
const magicString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const longestHead = 8192;
const longestMessage = 1024 * 1024;

/** The request's headers as a dictionary (将请求头格式化成字典). */
function getHeaders(head: string): Map<string, string> {
  const [_requestLine, ...lines] = head.split("\r\n");
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** The answer to a handshake: the client checks that we read its random string (随机字符串). */
function handshake(randomString: string): string {
  const accept = createHash("sha1")
    .update(randomString + magicString)
    .digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/**
 * The first message in what has come so far (对数据进行解密), and where it ends; nothing when it has
 * not come whole. What one read gives is not one frame: it may be half of one, or three.
 */
function getData(info: Buffer): { opcode: number; body: string; end: number } | undefined {
  if (info.length < 2) return undefined;
  if (info.readUInt8(1) < 128) throw new Error("A client must mask what it sends");
  let length = info.readUInt8(1) & 127;
  let start = 2;
  if (length === 126) {
    start = 4;
    if (info.length < start) return undefined;
    length = info.readUInt16BE(2);
  } else if (length === 127) {
    start = 10;
    if (info.length < start) return undefined;
    length = Number(info.readBigUInt64BE(2));
  }
  if (length > longestMessage) throw new Error("The message is too long");
  const end = start + 4 + length;
  if (info.length < end) return undefined;
  const mask = info.subarray(start, start + 4);
  const decoded = info.subarray(start + 4, end).map((byte, at) => byte ^ mask.readUInt8(at % 4));
  return { opcode: info.readUInt8(0) & 15, body: Buffer.from(decoded).toString(), end };
}

/** A message as a frame, with the shortest of the three forms of its length. A server does not mask. */
function setData(message: string): Buffer {
  const body = Buffer.from(message);
  const head = Buffer.alloc(body.length <= 125 ? 2 : body.length <= 65_535 ? 4 : 10);
  head.writeUInt8(0x81, 0);
  head.writeUInt8(body.length <= 125 ? body.length : body.length <= 65_535 ? 126 : 127, 1);
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}

/** A server that sends what one client says to all of them, itself too. */
export function websocketByHand(): Server {
  const clients = new Set<Socket>();
  const server = createServer((connection) => {
    let received: Buffer = Buffer.alloc(0);
    connection.on("error", () => {});
    connection.on("close", () => clients.delete(connection));
    connection.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      try {
        if (!clients.has(connection)) received = greet(connection, received, clients);
        if (clients.has(connection)) received = listen(connection, received, clients);
      } catch {
        connection.destroy();
      }
    });
  });
  server.maxConnections = 100;
  return server;
}

function greet(connection: Socket, data: Buffer, clients: Set<Socket>): Buffer {
  const end = data.indexOf("\r\n\r\n");
  if (end === -1 && data.length <= longestHead) return data;
  const randomString = getHeaders(data.toString("latin1", 0, Math.max(end, 0))).get("sec-websocket-key");
  if (randomString === undefined) throw new Error("That is no handshake");
  connection.write(handshake(randomString));
  clients.add(connection);
  return data.subarray(end + 4);
}

function listen(connection: Socket, data: Buffer, clients: Set<Socket>): Buffer {
  let rest = data;
  for (let frame = getData(rest); frame !== undefined; frame = getData(rest)) {
    rest = rest.subarray(frame.end);
    if (frame.opcode === 8) connection.end();
    if (frame.opcode === 1) for (const client of clients) tell(client, frame.body);
  }
  return rest;
}

function tell(client: Socket, message: string) {
  // Whoever does not read must not fill our memory.
  if (client.writableLength > longestMessage) client.destroy();
  else if (client.writable) client.write(setData(message));
}
