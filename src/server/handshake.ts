import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { OrderedWebSocket } from "./ordered-websocket.ts";
import { LastWords, rawResponse } from "./raw-response.ts";
import type { Refusal } from "./refusal.ts";
import type { Sessions } from "./sessions.ts";
import type { Acceptance, Upgrader } from "./upgrader.ts";

/** How many bytes a client may send before its socket is accepted, before it is no longer read from. */
const earlyLimit = 64 * 1024;

/**
 * A socket between its request and the application's answer. It survives whatever the client does
 * meanwhile: early bytes are kept for later, a reset or an end is noticed at once.
 */
export class Handshake {
  readonly #socket: Socket;
  readonly #onLeft: () => void;
  readonly #early: Buffer[];
  #earlySize: number;
  #request: IncomingMessage | undefined;
  #watching = false;
  #reading = false;

  readonly #onData = (chunk: Buffer): void => this.#keep(chunk);
  readonly #onGone = (): void => this.#gone();

  /** @param onLeft is called, once, when the client leaves while it has no answer yet. */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer, onLeft: () => void) {
    this.#request = request;
    this.#socket = socket;
    this.#onLeft = onLeft;
    this.#early = head.length === 0 ? [] : [head];
    this.#earlySize = head.length;
    // A time limit of the HTTP server is not meant for sockets.
    socket.setTimeout(0);
  }

  /** Looks after the socket. Without it no turn of the event loop may pass before the application's answer. */
  watch(): void {
    if (this.#watching || this.#request === undefined) return;
    this.#watching = true;
    this.#socket.on("error", onError);
    this.#socket.on("close", this.#onGone);
  }

  /** Reads on while the application makes up its mind; without it, the client's end goes unseen. */
  read(): void {
    if (this.#reading || this.#request === undefined) return;
    this.watch();
    this.#reading = true;
    this.#socket.on("end", this.#onGone);
    this.#socket.on("data", this.#onData);
  }

  /** Opens the socket. `undefined` says that the client has left. */
  accept(upgrader: Upgrader, acceptance: Acceptance): { websocket: OrderedWebSocket; socket: Socket } | undefined {
    const request = this.#request;
    const socket = this.#socket;
    if (request === undefined) return undefined;
    // `ws` would destroy the socket and never call back.
    if (!socket.readable || !socket.writable) {
      this.#gone();
      return undefined;
    }
    this.#detach();
    const early = this.#early.length === 0 ? nothing : Buffer.concat(this.#early);
    const websocket = upgrader.accept(request, socket, early, acceptance);
    if (websocket === undefined) {
      this.#gone();
      return undefined;
    }
    this.#letGo();
    socket.resume();
    return { websocket, socket };
  }

  /** Answers with a response instead. */
  refuse(refusal: Refusal, timeout: number, sessions: Sessions): void {
    if (this.#request === undefined) return;
    this.#detach();
    new LastWords(this.#socket, rawResponse(refusal), timeout, sessions);
  }

  /** Leaves the socket to somebody else, as it was. It must not have been read from. */
  release(): void {
    this.#detach();
    this.#letGo();
  }

  /** Cuts the connection. */
  cut(): void {
    if (this.#request !== undefined) this.#socket.destroy();
  }

  #keep(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlySize += chunk.length;
    if (this.#earlySize >= earlyLimit) this.#socket.pause();
  }

  #gone(): void {
    // Why it is gone may still be to be told, and would end the process if nobody heard.
    if (!this.#watching) this.#socket.on("error", onError);
    this.#detach();
    this.#socket.destroy();
    this.#onLeft();
  }

  /** Somebody else hears of errors from now on. */
  #letGo(): void {
    if (this.#watching) this.#socket.off("error", onError);
  }

  #detach(): void {
    this.#request = undefined;
    if (this.#watching) this.#socket.off("close", this.#onGone);
    if (!this.#reading) return;
    this.#socket.off("end", this.#onGone);
    this.#socket.off("data", this.#onData);
    // Nothing may flow between this reader and the next.
    this.#socket.pause();
  }
}

function onError(): void {
  // Without a listener a reset would end the process. It is followed by `close`.
}

const nothing = Buffer.alloc(0);
