import { jsonText } from "../../src/consumer/json-text.ts";
import { Compression } from "../../src/server/compression.ts";
import { textFrame } from "../../src/server/frame.ts";
import { type MakeTrick, sockets } from "./trick.ts";

const text = "a message of sixty-four bytes, as a chat has many: hello, world!!";
const others = Array.from({ length: sockets }, (_, index) => `${text.slice(4)}${String(index).padStart(4, "0")}`);
const large = Array.from({ length: 64 }, (_, index) => `{"user":${index},"said":"${text}"}`)
  .join(",")
  .slice(0, 1024);

/** The same text to many is made a frame of once. */
export const sharedFrame: MakeTrick = () => ({
  name: "one frame for all sockets that get a text",
  otherwise: "a frame for each",
  limit: 0.3,
  withIt() {
    for (let socket = 0; socket < sockets; socket++) textFrame(text);
  },
  without() {
    for (const other of others) textFrame(other);
  },
});

/** A compressed message is compressed once. */
export const sharedCompression: MakeTrick = () => {
  const frames = new Compression({ threshold: 0, maxSize: 65_536, level: 3 }).framesUpTo(65_536);
  const frame = textFrame(large);
  const copies = Array.from({ length: sockets }, (_, index) => {
    const copy = Buffer.from(frame);
    copy.write(String(index).padStart(4, "0"), copy.length - 4, "latin1");
    return copy;
  });
  return {
    name: "compressing once for all sockets",
    otherwise: "for each",
    limit: 0.02,
    withIt() {
      for (let socket = 0; socket < sockets; socket++) frames.of(frame);
    },
    async without() {
      for (const copy of copies) frames.of(copy);
      // What is remembered for a turn is forgotten.
      await new Promise((resolve) => void setImmediate(resolve));
    },
  };
};

/** Equal content to many is made a text of once. */
export const sharedJson: MakeTrick = () => ({
  name: "one JSON text for all members that send equal content, 1 KB",
  otherwise: "a text for each",
  limit: 0.3,
  withIt() {
    for (let socket = 0; socket < sockets; socket++) jsonText({ type: "chat.message", text: large, at: 1 });
  },
  without() {
    for (let socket = 0; socket < sockets; socket++) JSON.stringify({ type: "chat.message", text: large, at: 1 });
  },
});
