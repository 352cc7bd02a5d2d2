import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { wheel, type WheelItem } from "../flow/wheel.ts";
import type { Receive } from "../protocol/application.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { TransportConnection } from "../protocol/connection.ts";
import { type DropReason, publish, reportError } from "../protocol/diagnostics.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import type {
  Incoming,
  Outgoing,
  WebsocketAccept,
  WebsocketDeny,
  WebsocketOutgoing,
  WebsocketReceive,
} from "../protocol/events.ts";
import { headerPairs } from "../protocol/headers.ts";
import { isNoRoute } from "../protocol/no-route.ts";
import type { WebsocketScope } from "../protocol/scope.ts";
import { nextWebsocketState, type WebsocketState } from "../protocol/websocket-rules.ts";
import { callApplication } from "./application-call.ts";
import { Handshake } from "./handshake.ts";
import type { Hosting } from "./hosting.ts";
import { Inbound, type InboundOwner } from "./inbound.ts";
import { OpenSocket, type OpenSocketOwner } from "./open-socket.ts";
import { type Refusal, refusalFor } from "./refusal.ts";
import type { Session } from "./sessions.ts";

/** A request that asks for a WebSocket, as Node hands it over. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  /** Whether somebody else may serve it when no route matches. */
  readonly shared: boolean;
}

/**
 * One WebSocket, from its handshake to its end, between a client and an application. The first
 * event is `websocket.connect`; the last, once, if the first was delivered, `websocket.disconnect`.
 */
export class WebsocketConnection
  extends TransportConnection<WebsocketScope>
  implements Session, WheelItem, InboundOwner, OpenSocketOwner
{
  due = 0;
  gone = false;
  readonly #hosting: Hosting;
  readonly #shared: boolean;
  #handshake: Handshake | undefined;
  #state: WebsocketState = "connecting";
  #inbound: Inbound | undefined;
  #open: OpenSocket | undefined;

  constructor(scope: WebsocketScope, hosting: Hosting, { request, socket, head, shared }: UpgradeRequest) {
    super(scope, hosting.layers);
    this.#hosting = hosting;
    this.#shared = shared;
    this.#handshake = new Handshake(request, socket, head, () => this.#left());
  }

  /** Calls the application; the rest follows from what it and the client do. */
  start(): void {
    const { application, options, sessions } = this.#hosting;
    sessions.add(this);
    callApplication(
      application,
      this,
      (receive) => this.#begin(receive),
      (thrown) => this.#uncalled(thrown),
    );
    // Most applications have answered by now, and the rest is not for them.
    if (this.#state !== "connecting") return;
    wheel.set(this, options.handshakeTimeout);
    this.#handshake?.watch();
    // Before it is known whose it is, a shared socket's bytes must stay where they are.
    if (!this.#shared || this.#inbound !== undefined) this.#handshake?.read();
  }

  send(event: Outgoing): boolean {
    // What is no event of a websocket is refused by the rules.
    const outgoing = event as WebsocketOutgoing;
    const before = this.#state;
    // To look into the scope for every message would cost more than all the rules together.
    const offered = outgoing.type === "websocket.accept" ? this.scope.subprotocols : [];
    const after = nextWebsocketState(before, outgoing, offered);
    switch (outgoing.type) {
      case "websocket.accept":
        return before === "connecting" && this.#accept(outgoing);
      case "websocket.deny":
        return before === "connecting" && this.#deny(outgoing);
      case "websocket.send":
        return this.#send(outgoing, before);
      case "websocket.close":
        this.#state = after;
        if (before === "connecting") return this.#refuse({ status: 403, reason: "the application closed it" });
        if (before === "open") this.#close(outgoing.code ?? closeCodes.normal.code, outgoing.reason);
        return before === "open";
    }
  }

  drained(): Promise<void> {
    return this.#open?.drained() ?? Promise.resolve();
  }

  /** The bytes that the client has not taken yet, as far as the server knows. */
  get bufferedAmount(): number {
    return this.#open?.bufferedAmount ?? 0;
  }

  message(event: WebsocketReceive): void {
    this.#inbound?.deliverPaced(event);
  }

  dropped(reason: DropReason, messages: number): void {
    publish("millrace:websocket:dropped", () => ({ scope: this.scope, reason, messages }));
  }

  closed(code: number, reason: string): void {
    this.#state = "closed";
    publish("millrace:websocket:close", () => ({ scope: this.scope, code, reason }));
    this.#finish(code, reason);
  }

  failed(thrown: unknown, event: Incoming): void {
    const error = toError(thrown);
    reportError(this, error, event.type);
    if (this.#state === "connecting") this.#refuse({ status: 500, reason: error.message });
    else if (this.#state === "open") this.#close(closeCodes.internalError.code);
  }

  paused(paused: boolean): void {
    if (paused) this.#open?.pause();
    else this.#open?.resume();
    publish("millrace:websocket:paused", () => ({ scope: this.scope, paused }));
  }

  stuck(): void {
    this.#close(closeCodes.tryAgainLater.code, "the application is behind");
  }

  /** The application has neither accepted nor refused in time. */
  onDue(): void {
    this.#refuse({ status: 504, reason: "the application neither accepted nor refused it in time" });
  }

  stop(): void {
    if (this.#state === "connecting") this.#refuse({ status: 503, reason: "the server is stopping" });
    else if (this.#state === "open") this.#close(closeCodes.goingAway.code, "the server is stopping");
  }

  cut(): void {
    this.#handshake?.cut();
    this.#open?.cut();
  }

  #begin(receive: Receive): void {
    // The peer has left meanwhile, or was refused: the application never hears of it.
    if (this.#state !== "connecting") return;
    this.#inbound = new Inbound(receive, this.#hosting.options, this);
    void this.#inbound.deliver({ type: "websocket.connect" });
    this.#handshake?.read();
  }

  #uncalled(thrown: unknown): void {
    if (isNoRoute(thrown) && this.#shared && this.#state === "connecting") {
      this.#state = "closed";
      this.#takeHandshake()?.release();
      this.#finish(closeCodes.abnormal.code, "");
      return;
    }
    this.#refuse(refusalFor(thrown, this));
  }

  #accept({ subprotocol, headers }: WebsocketAccept): boolean {
    if (this.#inbound === undefined) {
      throw new MillraceError("ERR_PROTOCOL_STATE", {
        happened: "The socket was accepted before its application had been found",
        wanted: "websocket.accept in answer to websocket.connect",
      });
    }
    const acceptance = { subprotocol, headers: headerPairs(headers) };
    const opened = this.#handshake?.accept(this.#hosting.upgrader, acceptance);
    if (opened === undefined) return false;
    this.#takeHandshake();
    this.#state = "open";
    this.#open = new OpenSocket(opened.websocket, opened.socket, this.#hosting.options, this);
    publish("millrace:websocket:open", () => ({ scope: this.scope }));
    return true;
  }

  #deny({ status = 403, headers, body }: WebsocketDeny): boolean {
    const reason = "the application refused it";
    return this.#refuse({ status, headers: headerPairs(headers), reason, ...(body === undefined ? {} : { body }) });
  }

  #send(event: WebsocketOutgoing & { readonly type: "websocket.send" }, state: WebsocketState): boolean {
    if (state === "open" && this.#open !== undefined) return this.#open.send(event);
    this.dropped("closed", 1);
    return false;
  }

  #close(code: number, reason?: string): void {
    this.#state = "closed";
    this.#inbound?.release();
    this.#open?.close(code, reason);
  }

  /** Answers the handshake with a response. It does nothing when there is nobody to answer. */
  #refuse(refusal: Refusal): boolean {
    const handshake = this.#takeHandshake();
    if (handshake === undefined) return false;
    this.#state = "closed";
    handshake.refuse(refusal, this.#hosting.options.closeTimeout, this.#hosting.sessions);
    this.#publishRefused(refusal);
    // Not from within the application's own call.
    queueMicrotask(() => this.#finish(closeCodes.abnormal.code, ""));
    return true;
  }

  #left(): void {
    this.#takeHandshake();
    this.#state = "closed";
    this.#publishRefused({ status: 0, reason: "the client left" });
    this.#finish(closeCodes.abnormal.code, "");
  }

  #takeHandshake(): Handshake | undefined {
    const handshake = this.#handshake;
    this.#handshake = undefined;
    wheel.clear(this);
    return handshake;
  }

  #publishRefused({ status, reason }: Refusal): void {
    publish("millrace:websocket:refused", () => ({ path: this.scope.path, status, reason }));
  }

  #finish(code: number, reason: string): void {
    const inbound = this.#inbound;
    this.gone = true;
    this.#inbound = undefined;
    inbound?.release();
    this.endSession();
    const { sessions } = this.#hosting;
    const ended = inbound?.deliver({ type: "websocket.disconnect", code, reason });
    if (ended === undefined) sessions.delete(this);
    else void ended.then(() => sessions.delete(this));
  }
}
