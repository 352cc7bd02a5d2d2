import { WebSocket } from "ws";
import type { Outbound } from "./outbound.ts";

/**
 * A socket of `ws` whose data frames are written beside it, by an {@link Outbound}. The frames that
 * `ws` writes itself keep their place among them: a close frame comes after all data, and a ping or
 * pong after the data that the socket could take; it overtakes what waits for a slow reader, as
 * RFC 6455 lets control frames do.
 */
export class OrderedWebSocket extends WebSocket {
  #outbound: Outbound | undefined;
  #closedWith: number | undefined;

  /** Names the queue whose frames go before this socket's own. */
  carry(outbound: Outbound): void {
    this.#outbound = outbound;
  }

  /** The code of the close frame that was sent, if one was. */
  get closedWith(): number | undefined {
    return this.#closedWith;
  }

  override close(code?: number, reason?: string | Buffer): void {
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
