import { closeCodes } from "../protocol/close-codes.ts";
import type { OutgoingHeaders, WebsocketConnect, WebsocketDisconnect, WebsocketReceive } from "../protocol/events.ts";
import type { WebsocketScope } from "../protocol/scope.ts";
import { Consumer } from "./consumer.ts";
import { markFrameworkClass } from "./handlers.ts";
import { type ConsumerProtocol, websocketProtocol } from "./protocols.ts";

/** How a message is sent. */
export interface SendOptions {
  /**
   * A key such as `"price.BTC"`, for news of which only the last counts. While the client is behind,
   * the message takes the place of one with the same key that still waits; that one is not sent, and
   * counted as `replaced`. It comes where it was sent, after all that was sent before it.
   */
  readonly latest?: string;
  /**
   * `false` sends it as it is on a server that compresses messages: for a secret beside text of
   * somebody else's, and for what is compressed already.
   *
   * @default true
   */
  readonly compress?: boolean;
}

/**
 * Handles one WebSocket. Override `connect`, `receive`, `receiveBytes` and `disconnect`; or, in the
 * low-level style, `websocket_connect`, `websocket_receive` and `websocket_disconnect`.
 */
export class WebsocketConsumer<Path extends string = string> extends Consumer<Path> {
  /** @internal */
  static override readonly protocol: ConsumerProtocol = websocketProtocol;

  override get scope(): WebsocketScope {
    // The class serves no other protocol.
    return super.scope as WebsocketScope;
  }

  /** Comes first. It accepts; override it to decide. */
  connect(): void | Promise<void> {
    this.accept();
  }

  /** Takes a text message. */
  receive(_text: string): void | Promise<void> {}

  /**
   * Takes a binary message. Not overridden, it closes the socket with 1003.
   *
   * @param _bytes share their memory with what the client sent right before and after, up to 64 KiB:
   *   copy them to keep a few for long, or to transfer them to another thread.
   */
  receiveBytes(_bytes: Uint8Array): void | Promise<void> {
    this.close(closeCodes.unsupportedData.code, "this consumer takes text");
  }

  /**
   * Comes last, once, if `connect` was entered: with the code of the peer's close frame, or 1006 when
   * there was none. A consumer that ends by itself does not wait for that: after a failure the code is
   * 1011, after `StopConsumer` 1000.
   */
  disconnect(_code: number, _reason: string): void | Promise<void> {}

  /**
   * Opens the socket. It does nothing when the client has left.
   *
   * @param subprotocol must be one that the client offered.
   * @param headers go into the handshake's answer, `set-cookie` among them.
   * @throws MillraceError `ERR_SUBPROTOCOL_NOT_OFFERED`, `ERR_INVALID_HEADER`, or
   *   `ERR_PROTOCOL_STATE` when the socket is open already.
   */
  accept(subprotocol?: string, headers?: OutgoingHeaders): void {
    this.sendEvent({ type: "websocket.accept", subprotocol, headers });
  }

  /**
   * Sends a message: text for a string, binary for bytes; either may be empty.
   *
   * @returns `false` when the peer is behind (`await this.drained()` waits for it) or gone.
   * @throws MillraceError `ERR_INVALID_EVENT`, or `ERR_PROTOCOL_STATE` before `accept`.
   */
  send(message: string | Uint8Array, options?: SendOptions): boolean {
    const type = "websocket.send";
    if (options === undefined) {
      return this.sendEvent(typeof message === "string" ? { type, text: message } : { type, bytes: message });
    }
    const { latest, compress } = options;
    return this.sendEvent(
      typeof message === "string"
        ? { type, text: message, latest, compress }
        : { type, bytes: message, latest, compress },
    );
  }

  /**
   * Closes the socket; before `accept` it refuses it with 403. What was sent before is sent first.
   *
   * @param code 1000 by default; 4000 to 4999 are the application's own.
   * @param reason at most 123 bytes.
   * @throws MillraceError `ERR_INVALID_CLOSE`.
   */
  close(code?: number, reason?: string): void {
    this.sendEvent({ type: "websocket.close", code, reason });
  }

  websocket_connect(_message: WebsocketConnect): void | Promise<void> {
    return this.connect();
  }

  websocket_receive(message: WebsocketReceive): void | Promise<void> {
    if (message.text !== undefined) return this.receive(message.text);
    return message.bytes === undefined ? undefined : this.receiveBytes(message.bytes);
  }

  websocket_disconnect(message: WebsocketDisconnect): void | Promise<void> {
    return this.disconnect(message.code, message.reason);
  }
}
markFrameworkClass(WebsocketConsumer);
