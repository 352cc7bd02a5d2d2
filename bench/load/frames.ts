import { randomBytes } from "node:crypto";

/** What a server's frame may be. */
export const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

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
  const mask = randomBytes(4);
  mask.copy(frame, start - 4);
  for (let at = 0; at < length; at++) frame[start + at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return frame;
}

/**
 * Calls `take` for each whole frame in some bytes, with where its payload is, and gives where the
 * first frame begins that is not whole.
 */
export function eachFrame(bytes: Buffer, take: (opcode: number, start: number, end: number) => void): number {
  let at = 0;
  for (;;) {
    const start = at + headerLength(bytes, at);
    if (start > bytes.length) return at;
    const end = start + payloadLength(bytes, at);
    if (end > bytes.length) return at;
    take((bytes[at] ?? 0) & 0x0f, start, end);
    at = end;
  }
}

function headerLength(bytes: Buffer, at: number): number {
  const short = bytes[at + 1];
  return short === 127 ? 10 : short === 126 ? 4 : 2;
}

function payloadLength(bytes: Buffer, at: number): number {
  const short = bytes[at + 1] ?? 0;
  if (short < 126) return short;
  return short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}
