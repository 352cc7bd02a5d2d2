import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { textFrame } from "../../src/server/frame.ts";
import { FrameList, merged } from "../../src/server/frame-list.ts";
import { Outbound } from "../../src/server/outbound.ts";
import { type MakeTrick, sockets } from "./trick.ts";

const limits = { maxMessages: 1024, maxBytes: 1024 * 1024, whenFull: "close" } as const;
const owner = { writable: true, dropped: () => {}, overflowed: () => {} };
const burst = 8;
const size = 66;

/** Sockets that are sent the same frames share the list, and what it is written as. */
export const sharedConcatenation: MakeTrick = () => {
  const shared = framesOf("shared");
  let bytes = 0;
  const count = (chunks: readonly Buffer[]): void => void (bytes += chunks[0]?.length ?? 0);
  return {
    name: `putting ${burst} frames together once for all sockets that get them`,
    otherwise: "for each",
    limit: 0.6,
    async withIt() {
      for (let socket = 0; socket < sockets; socket++) {
        let list = FrameList.empty;
        for (const frame of shared) list = list.with(frame);
        count(list.chunks);
      }
      await turnEnd();
    },
    async without() {
      for (let socket = 0; socket < sockets; socket++) {
        const frames: Buffer[] = [];
        for (const frame of shared) frames.push(frame);
        count(merged(frames, burst * size));
      }
      await turnEnd();
      if (bytes === 0) throw new Error("Nothing was put together");
    },
  };
};

/** What a turn sends to a socket is one write. */
export const oneWrite: MakeTrick = async () => {
  const pairs = await Promise.all(Array.from({ length: 50 }, connected));
  const outbounds = pairs.map(([socket]) => new Outbound(socket, limits, owner));
  const frames = framesOf("frame");
  const arrival = (): Promise<unknown> => Promise.all(pairs.map(([, other]) => arrived(other, burst * size)));
  return {
    name: `one write of what a turn sends, ${burst} frames`,
    otherwise: "a write for each",
    limit: 0.6,
    async withIt() {
      const all = arrival();
      for (const outbound of outbounds) for (const frame of frames) outbound.send(frame);
      await all;
    },
    async without() {
      const all = arrival();
      for (const [socket] of pairs) for (const frame of frames) socket.write(frame);
      await all;
    },
    end() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
};

function framesOf(text: string): readonly Buffer[] {
  return Array.from({ length: burst }, (_, index) => textFrame(`${text} ${index}`.padEnd(size - 2, "x")));
}

function turnEnd(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Both ends of a connection. */
async function connected(): Promise<readonly [Socket, Socket]> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server on a port has an address of this shape.
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", noDelay: true });
  // What a server says of a connection.
  const [other] = (await once(server, "connection")) as [Socket];
  server.close();
  return [client, other];
}

function arrived(socket: Socket, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let left = bytes;
    const take = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });
}
