import { WebSocket } from "ws";
import type { CompressedFrames } from "./compression.ts";
import { deflateExtension } from "./deflate-agreement.ts";
import type { Inflater } from "./inflater.ts";
import type { Outbound } from "./outbound.ts";

/** Who hears of the messages that `ws` has read. */
export interface WebsocketReader {
  message(data: Buffer, isBinary: boolean): void;
  /** `ws` reads no more, because the client broke the protocol. */
  failed(): void;
}

/** Who hears of a socket's end. */
export interface WebsocketOwner {
  /** The client broke the protocol, and `ws` has closed the socket with the code for that. */
  failed(): void;
  /** The last that is heard. */
  ended(code: number, reason: Buffer): void;
}

/**
 * A socket of `ws` whose data frames are written beside it, by an {@link Outbound}. The frames that
 * `ws` writes itself keep their place among them: a close frame comes after all data, and a ping or
 * pong after the data that the socket could take; it overtakes what waits for a slow reader, as
 * RFC 6455 lets control frames do.
 */
export class OrderedWebSocket extends WebSocket {
  #outbound: Outbound | undefined;
  #owner: WebsocketOwner | undefined;
  #reader: WebsocketReader | undefined;
  #inflater: Inflater | undefined;
  #compressed: CompressedFrames | undefined;
  #closedWith: number | undefined;

  /** Names the queue whose frames go before this socket's own, and who hears of its end. */
  carry(outbound: Outbound, owner: WebsocketOwner): void {
    this.#outbound = outbound;
    this.#owner = owner;
  }

  /** Names who hears of messages. */
  readBy(reader: WebsocketReader): void {
    this.#reader = reader;
  }

  /** How messages for the client are compressed, if they are. */
  get compressed(): CompressedFrames | undefined {
    return this.#compressed;
  }

  /**
   * Names what inflates the client's messages and what compresses those for it. Nothing may have
   * been read yet.
   */
  compress(inflater: Inflater, compressed: CompressedFrames): void {
    this.#inflater = inflater;
    this.#compressed = compressed;
    // `ws` has no other place for an extension that is not its own; and its own would hold 20 to 100 KB for each
    // client that has ever sent something.
    const { _extensions } = this as unknown as { readonly _extensions: Record<string, Inflater> };
    _extensions[deflateExtension] = inflater;
  }

  /** The code of the close frame that was sent, if one was. */
  get closedWith(): number | undefined {
    return this.#closedWith;
  }

  // What `ws` tells comes here: listeners would be a tenth of the memory that an idle connection takes.
  override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
    // What `ws` emits with each event; by default it gives a message as one buffer.
    switch (event) {
      case "message":
        if (this.#reader === undefined) break;
        this.#reader.message(first as Buffer, second as boolean);
        return true;
      case "error":
        this.#reader?.failed();
        if (this.#owner === undefined) break;
        this.#owner.failed();
        return true;
      case "close":
        if (this.#owner === undefined) break;
        this.#owner.ended(first as number, second as Buffer);
        return true;
    }
    return super.emit(event, first, second);
  }

  override close(given?: number, reason?: string | Buffer): void {
    // `ws` does not know why a message could not be inflated.
    const code = given ?? this.#inflater?.refusedWith;
    if (this.readyState === WebSocket.OPEN) {
      this.#closedWith = code;
      this.#outbound?.seal();
    }
    super.close(code, reason);
  }

  override ping(data?: unknown, mask?: boolean, written?: (error: Error) => void): void {
    this.#outbound?.flush();
    super.ping(data, mask, written);
  }

  override pong(data?: unknown, mask?: boolean, written?: (error: Error) => void): void {
    this.#outbound?.flush();
    super.pong(data, mask, written);
  }
}
