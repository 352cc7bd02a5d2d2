import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/** The head of an HTTP response. */
export interface Head {
  readonly status: number;
  readonly statusLine: string;
  /** The values of a name sent twice are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A frame as a server sends it. */
export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  /** Whether the bit is set that says so; the payload is left as it came. */
  readonly compressed?: true;
  readonly payload: Buffer;
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The key of RFC 6455's own example, and the answer that the document gives to it. */
export const sampleKey = "dGhlIHNhbXBsZSBub25jZQ==";
export const sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** A handshake, byte by byte. A header that is `undefined` is left out. */
export function handshake(target = "/", headers: Readonly<Record<string, string | undefined>> = {}): string {
  const all = {
    Host: "test",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": sampleKey,
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `GET ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** A frame as a client sends it; without a mask, as it must not. */
export function clientFrame(
  opcode: number,
  payload: string | Uint8Array,
  { fin = true, mask = [0x11, 0x22, 0x33, 0x44] }: { fin?: boolean; mask?: readonly number[] | undefined } = {},
): Buffer {
  const data = Buffer.from(payload);
  const length =
    data.length < 126
      ? Buffer.from([data.length])
      : data.length < 65_536
        ? Buffer.from([126, data.length >> 8, data.length & 255])
        : Buffer.concat([Buffer.from([127, 0, 0, 0, 0]), uint32(data.length)]);
  length[0] = (length[0] ?? 0) | (mask.length > 0 ? 0x80 : 0);
  const masked = data.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), length, Buffer.from(mask), masked]);
}

/** A message of a client, compressed as RFC 7692 has it. */
export function compressedFrame(opcode: number, payload: string | Uint8Array): Buffer {
  return clientFrame(0x40 | opcode, deflated(payload));
}

/** A payload as RFC 7692 sends it. */
export function deflated(payload: string | Uint8Array): Buffer {
  return deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** The payload of a frame as it was before it was compressed, if it was. */
export function inflated({ compressed, payload }: Frame, windowBits = 15): Buffer {
  if (compressed === undefined) return payload;
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, windowBits });
}

/** What a frame's first byte says. */
export function firstByte(byte: number): Omit<Frame, "masked" | "payload"> {
  return { fin: byte >= 0x80, opcode: byte & 0x0f, ...((byte & 0x40) === 0 ? {} : { compressed: true }) };
}

/** A close frame of a client. */
export function closeFrame(code: number, reason = ""): Buffer {
  return clientFrame(opcodes.close, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}

/** The code and the reason in a close frame; 1005 when it has none. */
export function closeOf({ payload }: Frame): { code: number; reason: string } {
  return payload.length === 0
    ? { code: 1005, reason: "" }
    : { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A client that speaks TCP, and HTTP and WebSocket only as far as a test makes it. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Settles when the server has ended its side, or the connection is gone. */
  readonly ended: Promise<void>;
  #received = Buffer.alloc(0);
  #over = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", () => {});
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        this.#over = true;
        this.#wake();
        resolve();
      };
      socket.on("end", over);
      socket.on("close", over);
    });
  }

  /** @param allowHalfOpen leaves the client's side open when the server has ended its own. */
  static async connect(to: string | number, { allowHalfOpen = false } = {}): Promise<RawClient> {
    const where: NetConnectOpts = typeof to === "number" ? { port: to, host: "127.0.0.1" } : { path: to };
    const socket = connect({ ...where, allowHalfOpen, noDelay: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Connects and does the handshake. */
  static async open(
    to: string | number,
    target = "/",
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(to);
    client.write(handshake(target, headers));
    const { status, statusLine } = await client.head();
    if (status !== 101) throw new Error(`The handshake was answered with ${statusLine}`);
    return client;
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** The next response's head. */
  async head(): Promise<Head> {
    await this.#until(() => this.#received.includes("\r\n\r\n"));
    const end = this.#received.indexOf("\r\n\r\n");
    const [statusLine = "", ...lines] = this.#received.toString("latin1", 0, end).split("\r\n");
    this.#received = this.#received.subarray(end + 4);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(":")).toLowerCase();
      const value = line.slice(line.indexOf(":") + 1).trim();
      headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    return { status: Number(statusLine.split(" ")[1]), statusLine, headers };
  }

  /** All that comes until the server ends. */
  async rest(): Promise<Buffer> {
    await this.ended;
    return this.take(this.#received.length);
  }

  /** So many bytes. */
  async take(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length);
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** The next frame. */
  async frame(): Promise<Frame> {
    const [first = 0, second = 0] = await this.take(2);
    let length = second & 0x7f;
    if (length === 126) length = (await this.take(2)).readUInt16BE(0);
    else if (length === 127) length = Number((await this.take(8)).readBigUInt64BE(0));
    const masked = (second & 0x80) !== 0;
    if (masked) await this.take(4);
    return { ...firstByte(first), masked, payload: await this.take(length) };
  }

  /** The next frame's payload as text. */
  async text(): Promise<string> {
    const { opcode, payload } = await this.frame();
    if (opcode !== opcodes.text) throw new Error(`A frame of opcode ${opcode} came instead of a text`);
    return payload.toString();
  }

  /** Leaves without a word. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  async #until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.#over)
        throw new Error(`The connection ended early, after ${JSON.stringify(this.#received.toString("latin1"))}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
