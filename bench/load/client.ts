import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { eachFrame, maskedFrame, opcodes } from "./frames.ts";

/** Who hears of what comes to a client. */
export interface ClientOwner {
  /** A text has come; its bytes are in a buffer that is used again at once. */
  received(bytes: Buffer, start: number, end: number): void;
  /** The connection has ended, other than by `close`. */
  lost(reason: string): void;
}

// All sockets read into it, one after another: what was read is handled before the next reads.
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/** A WebSocket client that does as little as can be done for a frame. */
export class LoadClient {
  readonly #socket: Socket;
  readonly #owner: ClientOwner;
  #rest: Buffer | undefined;
  #upgraded: (() => void) | undefined;
  #closed = false;

  private constructor(port: number, path: string, owner: ClientOwner, upgraded: () => void) {
    this.#owner = owner;
    this.#upgraded = upgraded;
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread });
    const key = randomBytes(16).toString("base64");
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    this.#socket.on("error", (error) => this.#end(error.message));
    this.#socket.on("close", () => this.#end("the server closed it"));
  }

  /** Settles when the server has accepted. A loss is told to the owner alone. */
  static connect(port: number, path: string, owner: ClientOwner): Promise<LoadClient> {
    return new Promise((resolve) => {
      const client: LoadClient = new LoadClient(port, path, owner, () => resolve(client));
    });
  }

  /** Sends a frame of `maskedFrame`. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** Cuts the connection. */
  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    const read = readBuffer.subarray(0, length);
    const bytes = this.#rest === undefined ? read : Buffer.concat([this.#rest, read]);
    const from = this.#upgraded === undefined ? 0 : this.#upgrade(bytes);
    const frames = from === 0 ? bytes : bytes.subarray(from);
    const taken = from === -1 ? 0 : eachFrame(frames, (opcode, start, end) => this.#take(frames, opcode, start, end));
    const left = from === -1 ? bytes : frames.subarray(taken);
    this.#rest = left.length === 0 ? undefined : Buffer.from(left);
    return true;
  }

  /** Where the first frame begins; -1 when the server's answer is not whole. */
  #upgrade(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end === -1) return -1;
    const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (status.startsWith("HTTP/1.1 101 ")) this.#upgraded?.();
    else this.#end(`the server answered ${status}`);
    this.#upgraded = undefined;
    return end + 4;
  }

  #take(bytes: Buffer, opcode: number, start: number, end: number): void {
    if (opcode === opcodes.text) this.#owner.received(bytes, start, end);
    else if (opcode === opcodes.ping) this.send(maskedFrame(opcodes.pong, bytes.subarray(start, end)));
    else if (opcode === opcodes.close) this.#end(`the server closed it with ${bytes.readUInt16BE(start)}`);
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#owner.lost(reason);
  }
}
