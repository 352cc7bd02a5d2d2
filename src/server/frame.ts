import { atTurnEnd } from "./turn.ts";

const text = 0x1;
const binary = 0x2;
const final = 0x80;

let lastText: string | undefined;
let lastFrame: Buffer | undefined;

/**
 * A whole text message as one frame, header and payload in one buffer. The same text asked for
 * again in the same turn gives the same buffer, because a message to many sockets is sent to one
 * after the other; nobody may write into it.
 */
export function textFrame(message: string): Buffer {
  if (lastFrame === undefined) atTurnEnd(cache);
  else if (message === lastText) return lastFrame;
  const length = Buffer.byteLength(message);
  const frame = frameOf(text, length);
  frame.write(message, frame.length - length);
  lastText = message;
  lastFrame = frame;
  return frame;
}

/** A whole binary message as one frame. The bytes are copied: their owner may go on writing into them. */
export function binaryFrame(message: Uint8Array): Buffer {
  const frame = frameOf(binary, message.byteLength);
  frame.set(message, frame.length - message.byteLength);
  return frame;
}

/** Lets go of the last text's frame, so that it does not outlive its turn. */
const cache = {
  onTurnEnd(): void {
    lastText = undefined;
    lastFrame = undefined;
  },
};

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
