import type { ApplicationLike } from "../protocol/application.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import type { Outgoing, WebsocketOutgoing } from "../protocol/events.ts";
import { headerPairs } from "../protocol/headers.ts";
import type { WebsocketScope } from "../protocol/scope.ts";
import { nextWebsocketState, type WebsocketState } from "../protocol/websocket-rules.ts";
import { ApplicationCommunicator, defaultTimeout, unexpected } from "./application-communicator.ts";
import { type RequestOptions, websocketScope } from "./test-scope.ts";

/** What a websocket's communicator may be told. */
export interface WebsocketOptions extends RequestOptions {
  /** What the client offers. @default none */
  readonly subprotocols?: readonly string[];
}

/** How an application answered a handshake. */
export type ConnectResult =
  | {
      readonly accepted: true;
      readonly subprotocol: string | undefined;
      readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
    }
  | {
      readonly accepted: false;
      readonly status: number;
      readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
      readonly body: string | Uint8Array;
    };

/** The close frame that a client gets. */
export interface ReceivedClose {
  readonly code: number;
  readonly reason: string;
}

/** Plays a client of a websocket application, without a server. */
export class WebsocketCommunicator extends ApplicationCommunicator<WebsocketScope> {
  #state: WebsocketState = "connecting";
  #connecting = false;
  #disconnected = false;

  /** @param target is the path, with or without a query string. */
  constructor(application: ApplicationLike, target: string, options: WebsocketOptions = {}) {
    super(application, websocketScope(target, options.subprotocols ?? [], options), options);
  }

  /**
   * Opens the socket and tells how the application answered. After a time-out it may be called again
   * to wait for longer.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  async connect(timeout: number = defaultTimeout): Promise<ConnectResult> {
    if (!this.#connecting) {
      this.#connecting = true;
      await this.sendInput({ type: "websocket.connect" });
    }
    const event = await this.receiveOutput(timeout);
    switch (event.type) {
      case "websocket.accept":
        return { accepted: true, subprotocol: event.subprotocol, headers: headerPairs(event.headers) };
      case "websocket.deny":
        return {
          accepted: false,
          status: event.status ?? 403,
          headers: headerPairs(event.headers),
          body: event.body ?? "",
        };
      case "websocket.close":
        return { accepted: false, status: 403, headers: [], body: "" };
      default:
        throw unexpected(event, "websocket.accept, websocket.deny or websocket.close");
    }
  }

  /** Sends a message of the client; it may be empty. */
  send(message: string | Uint8Array): Promise<void> {
    return this.sendInput(
      typeof message === "string"
        ? { type: "websocket.receive", text: message }
        : { type: "websocket.receive", bytes: message },
    );
  }

  /** Sends a value as JSON. */
  sendJson(content: unknown): Promise<void> {
    return this.send(JSON.stringify(content));
  }

  /** The next message, which must be text. */
  async receiveText(timeout: number = defaultTimeout): Promise<string> {
    const event = await this.receiveOutput(timeout);
    if (event.type === "websocket.send" && event.text !== undefined) return event.text;
    throw unexpected(event, "a websocket.send with text");
  }

  /** The next message, which must be binary. */
  async receiveBytes(timeout: number = defaultTimeout): Promise<Uint8Array> {
    const event = await this.receiveOutput(timeout);
    if (event.type === "websocket.send" && event.bytes !== undefined) return event.bytes;
    throw unexpected(event, "a websocket.send with bytes");
  }

  /** The next message, which must be JSON. It comes from the application under test: say what it is. */
  async receiveJson<T = unknown>(timeout: number = defaultTimeout): Promise<T> {
    return JSON.parse(await this.receiveText(timeout)) as T;
  }

  /** The close frame, which must come next. */
  async receiveClose(timeout: number = defaultTimeout): Promise<ReceivedClose> {
    const event = await this.receiveOutput(timeout);
    if (event.type !== "websocket.close") throw unexpected(event, "websocket.close");
    return { code: event.code ?? closeCodes.normal.code, reason: event.reason ?? "" };
  }

  /**
   * The client leaves; waits until the application has ended. Without effect when the application
   * has closed the socket before: it has been told so.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  async disconnect(
    code: number = closeCodes.normal.code,
    reason = "",
    timeout: number = defaultTimeout,
  ): Promise<void> {
    this.#leave(code, reason);
    await this.waitForEnd(timeout);
  }

  protected override takeOutput(event: Outgoing): boolean {
    // The rules refuse what is not a websocket's.
    const sent = event as WebsocketOutgoing;
    const before = this.#state;
    const after = nextWebsocketState(before, sent, this.scope.subprotocols);
    if (before === "closed") return false;
    this.#state = after;
    super.takeOutput(event);
    if (after === "closed") this.#closedByApplication(sent, before);
    return true;
  }

  /** A client answers a close frame with the same code; a refused one is gone without one. */
  #closedByApplication(event: WebsocketOutgoing, before: WebsocketState): void {
    const code = event.type === "websocket.close" ? event.code : undefined;
    this.#leave(before === "open" ? (code ?? closeCodes.normal.code) : closeCodes.abnormal.code, "");
  }

  #leave(code: number, reason: string): void {
    if (this.#disconnected) return;
    this.#disconnected = true;
    this.#state = "closed";
    this.endSession({ type: "websocket.disconnect", code, reason });
  }
}
