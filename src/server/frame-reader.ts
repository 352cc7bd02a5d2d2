import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import type { OrderedWebSocket, WebsocketReader } from "./ordered-websocket.ts";
import { FrameBoundary } from "./frame-boundary.ts";

/** Who hears of the messages that a client sends. */
export interface FrameReaderOwner {
  text(text: string): void;
  bytes(bytes: Buffer): void;
}

const wholeText = 0x81;
const wholeBinary = 0x82;
const masked = 0x80;

/** What a frame has before its payload, when that has less than 126 bytes. */
const shortHeader = 6;

/**
 * Reads a client's messages before `ws` does. Nearly all messages come in one frame, and nearly all
 * frames come whole in what is read from the socket at once: these are read here, for a quarter of
 * what they cost in `ws`. All else goes to `ws` as it came: control frames, fragments, frames that a
 * packet's end cuts, and whatever breaks the protocol, so that it is `ws` that judges it.
 */
export class FrameReader implements WebsocketReader {
  readonly #owner: FrameReaderOwner;
  readonly #maxMessageSize: number;
  readonly #socket: Socket;
  readonly #ofWs: (chunk: Buffer) => void;
  // Made when `ws` is to have some bytes: of most clients it never is.
  #boundary: FrameBoundary | undefined;
  #heardOfWs = false;
  #failed = false;

  private constructor(socket: Socket, ofWs: (chunk: Buffer) => void, maxMessageSize: number, owner: FrameReaderOwner) {
    this.#owner = owner;
    this.#maxMessageSize = maxMessageSize;
    this.#socket = socket;
    this.#ofWs = ofWs;
  }

  /** Reads the messages of a socket from which nothing has been read yet. */
  static read(websocket: OrderedWebSocket, socket: Socket, maxMessageSize: number, owner: FrameReaderOwner): void {
    const [listener, ...others] = socket.listeners("data");
    // It listens for `data`, whose only argument is the chunk.
    const ofWs = listener as (chunk: Buffer) => void;
    const reader = new FrameReader(socket, ofWs, maxMessageSize, owner);
    websocket.readBy(reader);
    // Compressed messages are inflated later, and others must not overtake them.
    if (listener === undefined || others.length > 0 || websocket.compressed !== undefined) return;
    socket.off("data", ofWs);
    socket.on("data", (chunk: Buffer) => reader.#read(chunk));
  }

  message(data: Buffer, isBinary: boolean): void {
    this.#heardOfWs = true;
    if (isBinary) this.#owner.bytes(data);
    else this.#owner.text(data.toString());
  }

  failed(): void {
    // From now on `ws` reads nothing, and would not have what comes.
    this.#failed = true;
  }

  #read(chunk: Buffer): void {
    if (this.#failed) return;
    const from = this.#betweenMessages ? 0 : this.#finishMessage(chunk);
    const read = this.#betweenMessages ? this.#readWhole(chunk, from) : from;
    if (read < chunk.length) this.#pass(read === 0 ? chunk : chunk.subarray(read));
  }

  /** Lets `ws` have the rest of a message that it has begun to read. Gives how much it took. */
  #finishMessage(chunk: Buffer): number {
    const left = this.#boundary?.leftBeforeMessage ?? 0;
    if (left === 0 || left >= chunk.length) return 0;
    this.#heardOfWs = false;
    this.#pass(chunk.subarray(0, left));
    if (this.#heardOfWs) return left;
    // It found fault with the message, and will say so later: what comes after that is for it, too.
    this.#pass(chunk.subarray(left));
    return chunk.length;
  }

  /** Reads whole frames for as long as they follow one another. Gives where the first other begins. */
  #readWhole(chunk: Buffer, from: number): number {
    let at = from;
    while (at + shortHeader <= chunk.length) {
      const first = chunk[at];
      const second = chunk[at + 1] ?? 0;
      if ((first !== wholeText && first !== wholeBinary) || second < masked) return at;
      let start = at + shortHeader;
      let length = second - masked;
      if (length > 125) {
        if (length === 127) return at;
        length = chunk.readUInt16BE(at + 2);
        start += 2;
      }
      const end = start + length;
      if (end > chunk.length || length > this.#maxMessageSize) return at;
      const isAscii = unmask(chunk, start, end);
      if (first === wholeBinary) this.#owner.bytes(chunk.subarray(start, end));
      else if (isAscii) this.#owner.text(chunk.toString("latin1", start, end));
      else if (isUtf8(chunk.subarray(start, end))) this.#owner.text(chunk.toString("utf8", start, end));
      else {
        unmask(chunk, start, end);
        return at;
      }
      at = end;
    }
    return at;
  }

  get #betweenMessages(): boolean {
    return this.#boundary?.betweenMessages ?? true;
  }

  #pass(bytes: Buffer): void {
    this.#boundary ??= new FrameBoundary();
    if (this.#boundary.ended) return;
    this.#boundary.pass(bytes);
    this.#ofWs.call(this.#socket, bytes);
  }
}

/** Takes the mask that stands before a payload off it, or puts it on again. Says whether the result is ASCII. */
function unmask(bytes: Buffer, start: number, end: number): boolean {
  const mask0 = bytes[start - 4] ?? 0;
  const mask1 = bytes[start - 3] ?? 0;
  const mask2 = bytes[start - 2] ?? 0;
  const mask3 = bytes[start - 1] ?? 0;
  let seen = 0;
  let at = start;
  // By four, which takes two thirds of the time.
  for (; at + 3 < end; at += 4) {
    const byte0 = (bytes[at] ?? 0) ^ mask0;
    const byte1 = (bytes[at + 1] ?? 0) ^ mask1;
    const byte2 = (bytes[at + 2] ?? 0) ^ mask2;
    const byte3 = (bytes[at + 3] ?? 0) ^ mask3;
    bytes[at] = byte0;
    bytes[at + 1] = byte1;
    bytes[at + 2] = byte2;
    bytes[at + 3] = byte3;
    seen |= byte0 | byte1 | byte2 | byte3;
  }
  for (let mask = start - 4; at < end; at++, mask++) {
    const byte = (bytes[at] ?? 0) ^ (bytes[mask] ?? 0);
    bytes[at] = byte;
    seen |= byte;
  }
  return seen < 0x80;
}
