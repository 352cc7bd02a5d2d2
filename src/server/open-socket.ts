import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { closeCodes } from "../protocol/close-codes.ts";
import type { DropReason } from "../protocol/diagnostics.ts";
import type { WebsocketReceive, WebsocketSend } from "../protocol/events.ts";
import type { CompressedFrames } from "./compression.ts";
import { binaryFrame, textFrame } from "./frame.ts";
import { FrameReader, type FrameReaderOwner } from "./frame-reader.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { CheckedOptions } from "./options.ts";
import type { OrderedWebSocket, WebsocketOwner } from "./ordered-websocket.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";

/** Who hears of what happens on an open socket. */
export interface OpenSocketOwner {
  message(event: WebsocketReceive): void;
  dropped(reason: DropReason, messages: number): void;
  /** The last that is heard: 1006 when the client left without a close frame. */
  closed(code: number, reason: string): void;
}

/** A socket from its acceptance to its end. */
export class OpenSocket implements OutboundOwner, FrameReaderOwner, WebsocketOwner {
  readonly #websocket: OrderedWebSocket;
  readonly #outbound: Outbound;
  readonly #heartbeat: Heartbeat;
  readonly #compressed: CompressedFrames | undefined;
  readonly #owner: OpenSocketOwner;
  #paused = false;
  #closing = false;
  #refusedWith: number | undefined;

  constructor(websocket: OrderedWebSocket, socket: Socket, options: CheckedOptions, owner: OpenSocketOwner) {
    this.#websocket = websocket;
    this.#outbound = new Outbound(socket, options.outbound, this);
    this.#heartbeat = new Heartbeat(websocket, socket, options);
    this.#compressed = websocket.compressed;
    this.#owner = owner;
    websocket.carry(this.#outbound, this);
    FrameReader.read(websocket, socket, options.maxMessageSize, this);
    this.#heartbeat.start();
  }

  get writable(): boolean {
    return this.#websocket.readyState === WebSocket.OPEN;
  }

  /** The bytes that the client has not taken yet, as far as the server knows. */
  get bufferedAmount(): number {
    return this.#outbound.bufferedAmount;
  }

  /** Sends a message. `false` says that the client is behind or gone. */
  send({ text, bytes, latest, compress }: WebsocketSend): boolean {
    const frame = bytes === undefined ? textFrame(text ?? "") : binaryFrame(bytes);
    const sent = this.#compressed === undefined || compress === false ? frame : this.#compressed.of(frame);
    return this.#outbound.send(sent, latest);
  }

  /** Settles when the client is not behind, or gone. */
  drained(): Promise<void> {
    return this.#outbound.drained();
  }

  /** Sends what waits and a close frame; from here on the client's messages are ignored. */
  close(code: number, reason = ""): void {
    this.#closing = true;
    this.#websocket.close(code, reason);
    // The client's own close frame must be seen.
    this.resume();
  }

  /** Cuts the connection. */
  cut(): void {
    this.#websocket.terminate();
  }

  /** Reads no more. The heartbeat stops, for no sign of life can be seen. */
  pause(): void {
    if (this.#paused || this.#closing) return;
    this.#paused = true;
    this.#heartbeat.stop();
    this.#websocket.pause();
  }

  /** Reads again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heartbeat.start();
    this.#websocket.resume();
  }

  text(text: string): void {
    if (!this.#closing) this.#owner.message({ type: "websocket.receive", text });
  }

  bytes(bytes: Buffer): void {
    if (!this.#closing) this.#owner.message({ type: "websocket.receive", bytes });
  }

  dropped(reason: DropReason, messages: number): void {
    this.#owner.dropped(reason, messages);
  }

  overflowed(): void {
    this.close(closeCodes.tryAgainLater.code, "too slow");
  }

  failed(): void {
    // By RFC 6455 each error of a client's has a code.
    this.#refusedWith = this.#websocket.closedWith;
  }

  ended(code: number, reason: Buffer): void {
    // Nothing is left to be read: to resume it would start the heartbeat again.
    this.#paused = false;
    this.#heartbeat.stop();
    this.#outbound.end();
    this.#owner.closed(this.#refusedWith ?? code, reason.toString());
  }
}
