import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type Server, type ServerOptions, WebSocketServer } from "ws";
import { Compression } from "./compression.ts";
import { agreeOnDeflate, type DeflateAgreement } from "./deflate-agreement.ts";
import { Inflater } from "./inflater.ts";
import type { CheckedOptions } from "./options.ts";
import { OrderedWebSocket } from "./ordered-websocket.ts";

/** What an application chose when it accepted a socket. */
export interface Acceptance {
  readonly subprotocol: string | undefined;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
}

/** How many pongs may wait to be written to a client; one that pings on is cut. */
export const maxPendingPongs = 60;

/** In how many fragments a client may send a message; in more, it is closed with 1008. */
export const maxFragments = 16_384;

/** Turns checked handshakes into sockets of `ws`, with exactly what the application chose. */
export class Upgrader {
  readonly #server: Server<typeof OrderedWebSocket>;
  readonly #maxMessageSize: number;
  readonly #compression: Compression | undefined;
  #acceptance: Acceptance | undefined;
  #agreement: DeflateAgreement | undefined;

  constructor({
    maxMessageSize,
    closeTimeout,
    compression,
  }: Pick<CheckedOptions, "maxMessageSize" | "closeTimeout" | "compression">) {
    this.#maxMessageSize = maxMessageSize;
    this.#compression = compression === undefined ? undefined : new Compression(compression);
    // The types of `ws` do not know all of its options yet.
    const options: ServerOptions<typeof OrderedWebSocket> & Readonly<Record<string, unknown>> = {
      noServer: true,
      clientTracking: false,
      WebSocket: OrderedWebSocket,
      maxPayload: maxMessageSize,
      // It can't compress once for many.
      perMessageDeflate: false,
      closeTimeout,
      maxPendingAutoPongs: maxPendingPongs,
      maxFragments,
      // Without it `ws` picks the first that the client offers.
      handleProtocols: () => this.#acceptance?.subprotocol ?? false,
    };
    this.#server = new WebSocketServer(options);
    this.#server.on("headers", (lines: string[]) => {
      if (this.#agreement !== undefined) lines.push(`Sec-WebSocket-Extensions: ${this.#agreement.answer}`);
      for (const [name, value] of this.#acceptance?.headers ?? []) lines.push(`${name}: ${value}`);
    });
  }

  /** Answers a handshake with 101; `undefined` when `ws` finds the socket dead. */
  accept(request: IncomingMessage, socket: Socket, head: Buffer, acceptance: Acceptance): OrderedWebSocket | undefined {
    const compression = this.#compression;
    const agreement =
      compression === undefined ? undefined : agreeOnDeflate(request.headers["sec-websocket-extensions"]);
    let accepted: OrderedWebSocket | undefined;
    // `handleUpgrade` asks for all of it before it returns.
    this.#acceptance = acceptance;
    this.#agreement = agreement;
    // `ws` writes the answer's head as a string, and headers are Latin-1.
    socket.setDefaultEncoding("latin1");
    try {
      this.#server.handleUpgrade(request, socket, head, (websocket) => (accepted = websocket));
    } finally {
      socket.setDefaultEncoding("utf8");
      this.#acceptance = undefined;
      this.#agreement = undefined;
    }
    if (compression !== undefined && agreement !== undefined) {
      accepted?.compress(new Inflater(this.#maxMessageSize), compression.framesUpTo(agreement.maxSize));
    }
    return accepted;
  }
}
