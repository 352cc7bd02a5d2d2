import { WebSocket } from "ws";
import type { CompressedFrames } from "./compression.ts";
import { deflateExtension } from "./deflate-agreement.ts";
import type { Inflater } from "./inflater.ts";
import type { Outbound } from "./outbound.ts";

/**
 * A socket of `ws` whose data frames are written beside it, by an {@link Outbound}. The frames that
 * `ws` writes itself keep their place among them: a close frame comes after all data, and a ping or
 * pong after the data that the socket could take; it overtakes what waits for a slow reader, as
 * RFC 6455 lets control frames do.
 */
export class OrderedWebSocket extends WebSocket {
  #outbound: Outbound | undefined;
  #inflater: Inflater | undefined;
  #compressed: CompressedFrames | undefined;
  #closedWith: number | undefined;

  /** Names the queue whose frames go before this socket's own. */
  carry(outbound: Outbound): void {
    this.#outbound = outbound;
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
