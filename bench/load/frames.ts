/** What a frame may be. */
export const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** The bit of a frame's first byte that says that its payload is compressed. */
export const compressedBit = 0x40;

/** Clients must mask what they send, so that no proxy takes it for HTTP. Here is no proxy. */
const mask = Uint8Array.of(0x3d, 0x1a, 0xc4, 0x77);

/** A whole frame as a client sends it: masked, and in one piece. */
export function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + 4;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(mask, start - 4);
  frame.set(payload, start);
  maskAt(frame, start, start);
  return frame;
}

/** Masks what stands in a frame from one place on, or unmasks it. */
function maskAt(frame: Buffer, payloadStart: number, from: number, to = frame.length): void {
  for (let at = from; at < to; at++) frame[at] = (frame[at] ?? 0) ^ (mask[(at - payloadStart) & 3] ?? 0);
}

/** Frames of one text, but for some digits in it that number them. Making one costs a copy. */
export class NumberedFrames {
  readonly #template: Buffer;
  readonly #payloadStart: number;
  readonly #numberEnd: number;
  readonly #digits: number;

  /** @param before is how many bytes stand before the digits. */
  constructor(payload: string, before: number, digits: number) {
    const bytes = Buffer.from(payload, "latin1");
    this.#template = maskedFrame(opcodes.text, bytes);
    this.#payloadStart = this.#template.length - bytes.length;
    this.#numberEnd = this.#payloadStart + before + digits;
    this.#digits = digits;
  }

  numbered(number: number): Buffer {
    const frame = Buffer.from(this.#template);
    let left = number;
    const from = this.#numberEnd - this.#digits;
    for (let at = this.#numberEnd - 1; at >= from; at--) {
      frame[at] = 0x30 + (left % 10);
      left = Math.floor(left / 10);
    }
    maskAt(frame, this.#payloadStart, from, this.#numberEnd);
    return frame;
  }
}

/** Who takes frames out of bytes. */
export interface FrameTaker {
  /** @param first is the frame's first byte; its payload is from `start` to before `end`. */
  frame(first: number, bytes: Buffer, start: number, end: number): void;
}

/**
 * Hands over each whole frame between two places, and gives where the first one begins that is not
 * whole. It makes nothing for a frame.
 */
export function eachFrame(bytes: Buffer, from: number, to: number, taker: FrameTaker): number {
  let at = from;
  while (to - at >= 2) {
    let size = bytes[at + 1] ?? 0;
    let start = at + 2;
    if (size === 126) {
      if (to - at < 4) break;
      size = bytes.readUInt16BE(at + 2);
      start = at + 4;
    } else if (size === 127) {
      if (to - at < 10) break;
      size = Number(bytes.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    const end = start + size;
    if (end > to) break;
    taker.frame(bytes[at] ?? 0, bytes, start, end);
    at = end;
  }
  return at;
}
