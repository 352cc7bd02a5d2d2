import { StopConsumer, type WebsocketConnect, WebsocketConsumer, type WebsocketReceive } from "millrace";

/**
 * One to one: whatever a client says, it alone gets the answer. Written in the low-level style,
 * where each event of the socket has a method of its name: `websocket.receive` calls
 * `websocket_receive`.
 */
export class OneToOneConsumer extends WebsocketConsumer {
  /** A browser asks for a WebSocket. */
  override websocket_connect(_message: WebsocketConnect) {
    this.accept();
  }

  /** A message has come; `message.text` holds it. */
  override websocket_receive(_message: WebsocketReceive) {
    this.send("收到了");
  }

  /** The browser has gone. */
  override websocket_disconnect() {
    throw new StopConsumer();
  }
}
