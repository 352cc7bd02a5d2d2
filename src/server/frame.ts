import { atTurnEnd } from "./turn.ts";

const text = 0x1;
const binary = 0x2;
const final = 0x80;

let lastText: string | undefined;
let lastTextFrame: Buffer | undefined;
let lastBinaryFrame: Buffer | undefined;

/**
 * A whole text message as one frame, header and payload in one buffer. The same text asked for
 * again in the same turn gives the same buffer, because a message to many sockets is sent to one
 * after the other; nobody may write into it.
 */
export function textFrame(message: string): Buffer {
  if (lastTextFrame !== undefined && message === lastText) return lastTextFrame;
  if (lastTextFrame === undefined) atTurnEnd(cache);
  const length = Buffer.byteLength(message);
  const frame = frameOf(text, length);
  // As many bytes as characters are ASCII, which need not be encoded.
  frame.write(message, frame.length - length, length === message.length ? "latin1" : "utf8");
  lastText = message;
  lastTextFrame = frame;
  return frame;
}

/**
 * A whole binary message as one frame. The bytes are copied: their owner may go on writing into them.
 * The same bytes asked for again in the same turn give the same buffer.
 */
export function binaryFrame(message: Uint8Array): Buffer {
  if (lastBinaryFrame !== undefined && endsWith(lastBinaryFrame, message)) return lastBinaryFrame;
  if (lastBinaryFrame === undefined) atTurnEnd(cache);
  const frame = frameOf(binary, message.byteLength);
  frame.set(message, frame.length - message.byteLength);
  lastBinaryFrame = frame;
  return frame;
}

/** Lets go of the last frames, so that they do not outlive their turn. */
const cache = {
  onTurnEnd(): void {
    lastText = undefined;
    lastTextFrame = undefined;
    lastBinaryFrame = undefined;
  },
};

/** Whether a frame has some bytes as its payload. */
function endsWith(frame: Buffer, payload: Uint8Array): boolean {
  const start = headerLength(payload.byteLength);
  return frame.length - start === payload.byteLength && frame.compare(payload, 0, payload.byteLength, start) === 0;
}

/** What a frame has before a payload of some length. */
function headerLength(length: number): number {
  return length < 126 ? 2 : length < 0x1_0000 ? 4 : 10;
}

/** A frame with its header written and its payload to be filled in. A server's frames have no mask. */
export function frameOf(opcode: number, length: number): Buffer {
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = final | opcode;
    frame[1] = length;
    return frame;
  }
  if (length < 0x1_0000) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = final | opcode;
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = final | opcode;
  frame[1] = 127;
  frame.writeUInt16BE(0, 2);
  frame.writeUIntBE(length, 4, 6);
  return frame;
}
