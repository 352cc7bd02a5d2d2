import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import * as ws from "ws";
import { FrameReader } from "../../src/server/frame-reader.ts";
import { OrderedWebSocket } from "../../src/server/ordered-websocket.ts";
import { maskedFrame, opcodes } from "../load/frames.ts";
import type { MakeTrick } from "./trick.ts";

/** What `ws` reads frames with; its types leave it out. */
interface Receiver extends EventEmitter {
  write(chunk: Buffer): boolean;
}
const { Receiver: WsReceiver } = ws as unknown as { readonly Receiver: new (options: object) => Receiver };

const burst = 16;

/** Whole frames are read without `ws`. */
export const ownReading: MakeTrick = () => {
  const frame = maskedFrame(opcodes.text, Buffer.alloc(64, "x"));
  const chunk = Buffer.concat(Array.from({ length: burst }, () => frame));
  let heard = 0;
  const owner = { text: (text: string) => void (heard += text.length), bytes: () => {} };
  const receiver = new WsReceiver({ isServer: true, maxPayload: 1024 * 1024 });
  receiver.on("message", (message: Buffer) => owner.text(message.toString()));
  const socket = new EventEmitter().on("data", (bytes: Buffer) => receiver.write(bytes));
  // A socket of a server that is not connected, and one that tells of what comes: no more is asked of them here.
  const websocket = new OrderedWebSocket(null as unknown as string, undefined, {});
  FrameReader.read(websocket, socket as Socket, 1024 * 1024, owner);
  const each = async (read: () => void): Promise<void> => {
    const before = heard;
    read();
    while (heard < before + burst * 64) await new Promise((resolve) => void setImmediate(resolve));
  };
  return {
    name: `reading ${burst} messages that come at once before ws does`,
    otherwise: "by ws",
    limit: 0.5,
    // A copy, because the mask is taken off in place.
    withIt: () => each(() => socket.emit("data", Buffer.from(chunk))),
    without: () => each(() => receiver.write(Buffer.from(chunk))),
  };
};
