import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Dialect } from "./dialect.ts";
import { compressedBit, eachFrame, type FrameTaker, maskedFrame, opcodes } from "./frames.ts";

/** Who hears of what comes to a client. */
export interface ClientOwner {
  /** Some bytes have come. */
  reading(): void;
  /** They held a whole message; they are in a buffer that is used again at once. */
  received(client: LoadClient, bytes: Buffer, start: number, end: number, compressed: boolean): void;
  /** That was all that they held. */
  read(client: LoadClient): void;
  /** The connection has ended, other than by `close`. */
  lost(client: LoadClient, reason: string): void;
}

/** Where a client goes. */
export interface ClientTarget {
  readonly port: number;
  readonly path: string;
  readonly dialect: Dialect;
  /** Its own address. One address has ports for some 28,000 connections to a server. */
  readonly from?: string | undefined;
  /** What it offers of extensions. */
  readonly extensions?: string | undefined;
  /** The client's place among others. */
  readonly index: number;
  /** Whether its messages are rewritten for it. */
  readonly marked: boolean;
}

// All sockets read into it, one after another: what was read is handled before the next reads.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/** A WebSocket client that does as little as can be done for a frame. */
export class LoadClient implements FrameTaker {
  readonly index: number;
  readonly marked: boolean;
  /** How many messages have come; its owner counts. */
  messages = 0;
  readonly #socket: Socket;
  readonly #dialect: Dialect;
  readonly #owner: ClientOwner;
  #rest: Buffer | undefined;
  #open = false;
  #entered: (() => void) | undefined;
  #closed = false;

  private constructor(target: ClientTarget, owner: ClientOwner, entered: () => void) {
    const { port, path, dialect, from, extensions, index, marked } = target;
    this.index = index;
    this.marked = marked;
    this.#dialect = dialect;
    this.#owner = owner;
    this.#entered = entered;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    const own = from === undefined ? {} : { localAddress: from };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread, ...own });
    const key = randomBytes(16).toString("base64");
    const offer = extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    this.#socket.write(
      `GET ${dialect.target(path)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`,
    );
    this.#socket.on("error", (error) => this.#end(error.message));
    this.#socket.on("close", () => this.#end("the server closed it"));
  }

  /** Settles when the server has let it in. A loss is told to the owner alone. */
  static connect(target: ClientTarget, owner: ClientOwner): Promise<LoadClient> {
    return new Promise((resolve) => {
      const client: LoadClient = new LoadClient(target, owner, () => resolve(client));
    });
  }

  /** Sends masked frames. */
  send(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Reads no more. */
  stall(): void {
    this.#socket.pause();
  }

  /** Cuts the connection. */
  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  frame(first: number, bytes: Buffer, start: number, end: number): void {
    const opcode = first & 0x0f;
    if (opcode === opcodes.text) this.#take(bytes, start, end, (first & compressedBit) !== 0);
    else if (opcode === opcodes.ping) this.send(maskedFrame(opcodes.pong, bytes.subarray(start, end)));
    else if (opcode === opcodes.close)
      this.#end(`the server closed it with ${end > start ? bytes.readUInt16BE(start) : "no code"}`);
  }

  #read(length: number): boolean {
    this.#owner.reading();
    let bytes = readBuffer;
    let to = length;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, readBuffer.subarray(0, length)]);
      to = bytes.length;
    }
    const from = this.#open ? 0 : this.#upgrade(bytes.subarray(0, to));
    const taken = this.#open ? eachFrame(bytes, from, to, this) : 0;
    this.#rest = taken === to ? undefined : Buffer.from(bytes.subarray(taken, to));
    this.#owner.read(this);
    return true;
  }

  /** Where the first frame begins, when the server's answer is whole. */
  #upgrade(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end === -1) return 0;
    const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (!status.startsWith("HTTP/1.1 101 ")) this.#end(`the server answered ${status}`);
    this.#open = true;
    if (this.#dialect.control === undefined) this.#enter();
    return end + 4;
  }

  #enter(): void {
    this.#entered?.();
    this.#entered = undefined;
  }

  #take(bytes: Buffer, start: number, end: number, compressed: boolean): void {
    const { control } = this.#dialect;
    // Engine.IO's ping is one byte.
    if (control === undefined || (end - start > 1 && bytes.readUInt16BE(start) === control.message)) {
      this.#owner.received(this, bytes, start, end, compressed);
      return;
    }
    const said = bytes.toString("latin1", start, end);
    const answer = Object.entries(control.answers).find(([beginning]) => said.startsWith(beginning));
    if (said.startsWith(control.welcome)) this.#enter();
    else if (answer !== undefined) this.send(maskedFrame(opcodes.text, Buffer.from(answer[1], "latin1")));
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#owner.lost(this, reason);
  }
}
