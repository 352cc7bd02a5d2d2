import type { IncomingMessage, ServerResponse } from "node:http";
import type { Receive } from "../protocol/application.ts";
import { TransportConnection } from "../protocol/connection.ts";
import { publish, reportError } from "../protocol/diagnostics.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import type { HttpOutgoing, Incoming, Outgoing } from "../protocol/events.ts";
import { type HttpState, nextHttpState } from "../protocol/http-rules.ts";
import { type NodeExchange, nodeExchangeSymbol } from "../protocol/node-exchange.ts";
import type { HttpScope } from "../protocol/scope.ts";
import { callApplication } from "./application-call.ts";
import type { Hosting } from "./hosting.ts";
import { ResponseWriter } from "./http-response.ts";
import { Inbound, type InboundOwner } from "./inbound.ts";
import { queueResponse } from "./queued-responses.ts";
import { type Refusal, refusalFor, statusText } from "./refusal.ts";
import { RequestBody } from "./request-body.ts";
import type { Session } from "./sessions.ts";

/**
 * One HTTP request and its response, between a client and an application. The request comes in
 * `http.request` events; the last event, once, if the application was found, is `http.disconnect`.
 */
export class HttpExchange extends TransportConnection<HttpScope> implements Session, InboundOwner {
  gone = false;
  readonly #hosting: Hosting;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #writer: ResponseWriter;
  readonly #startedAt = performance.now();
  #state: HttpState = "waiting";
  #taken = false;
  #inbound: Inbound | undefined;
  #body: RequestBody | undefined;

  constructor(scope: HttpScope, hosting: Hosting, request: IncomingMessage, response: ServerResponse) {
    const exchange = new Exchange(request, response, () => this.#takeOver());
    super(Object.assign(scope, { [nodeExchangeSymbol]: exchange }), hosting.layers);
    this.#hosting = hosting;
    this.#request = request;
    this.#response = response;
    this.#writer = new ResponseWriter(response);
  }

  /** Calls the application; the rest follows from what it and the client do. */
  start(): void {
    const { sessions, options } = this.#hosting;
    if (!queueResponse(this.#request, this.#response, options.pausedTimeout)) return;
    sessions.add(this);
    this.#response.on("close", () => this.#closed());
    this.#response.on("error", () => {
      // It is followed by `close`.
    });
    callApplication(
      this.#hosting.application,
      this,
      (receive) => this.#begin(receive),
      (thrown) => this.refuse(refusalFor(thrown, this)),
    );
  }

  send(event: Outgoing): boolean {
    if (this.#taken) throw takenOver();
    // What is no event of an HTTP exchange is refused by the rules.
    const outgoing = event as HttpOutgoing;
    const before = this.#state;
    this.#state = nextHttpState(before, outgoing);
    if (before === "closed") return false;
    switch (outgoing.type) {
      case "http.response.start":
        this.#writer.begin(outgoing);
        return !this.#response.writableNeedDrain;
      case "http.response.body":
        return this.#writer.write(outgoing);
      case "http.abort":
        this.#response.destroy();
        return false;
    }
  }

  drained(): Promise<void> {
    return this.#writer.drained();
  }

  /** Answers in the application's place, as far as that is still possible. */
  refuse({ status, headers = [], body = statusText(status) }: Refusal): void {
    const before = this.#state;
    this.#state = "closed";
    if (before === "begun" || this.#response.headersSent) {
      if (!this.#response.writableEnded) this.#response.destroy();
      return;
    }
    if (before === "closed") return;
    const type: [string, string] = ["content-type", "text/plain; charset=utf-8"];
    this.#writer.begin({ type: "http.response.start", status, headers: [...headers, type] });
    this.#writer.write({ type: "http.response.body", body });
  }

  failed(thrown: unknown, event: Incoming): void {
    const error = toError(thrown);
    reportError(this, error, event.type);
    this.refuse({ status: 500, reason: error.message });
  }

  /** A request is paced by the parts of its body. */
  paused(): void {}

  /** Applications may take as long as they like for a response. */
  stuck(): void {}

  /** Goes on: a response that has been asked for is worth waiting for. The application is told. */
  stop(): void {
    if (!this.#response.headersSent) this.#response.shouldKeepAlive = false;
    if (!this.#taken) void this.#inbound?.deliver({ type: "http.stopping" });
  }

  cut(): void {
    this.#response.destroy();
  }

  #begin(receive: Receive): void {
    // The client has left meanwhile: the application never hears of it.
    if (this.#state === "closed") return;
    const inbound = new Inbound(receive, this.#hosting.options, this);
    this.#inbound = inbound;
    // Whoever took the exchange over reads the body itself, but starts as others do, with an event.
    if (this.#taken) void inbound.deliver({ type: "http.request", body: new Uint8Array(), moreBody: false });
    else this.#body = new RequestBody(this.#request, (event) => inbound.deliver(event));
  }

  #takeOver(): void {
    if (this.#state !== "waiting" || this.#body !== undefined) {
      throw new MillraceError("ERR_PROTOCOL_STATE", {
        happened: "The exchange can't be taken over any more",
        wanted: "takeOver() while the application is called, before anything is read or sent",
      });
    }
    this.#taken = true;
    this.#response.strictContentLength = false;
  }

  #closed(): void {
    const response = this.#response;
    const status = response.writableFinished ? response.statusCode : 0;
    const milliseconds = performance.now() - this.#startedAt;
    publish("millrace:http:response", () => ({ scope: this.scope, status, milliseconds }));
    this.#state = "closed";
    this.#body?.stop();
    const inbound = this.#inbound;
    this.gone = true;
    this.#inbound = undefined;
    this.endSession();
    const { sessions } = this.#hosting;
    const ended = inbound?.deliver({ type: "http.disconnect" });
    if (ended === undefined) sessions.delete(this);
    else void ended.then(() => sessions.delete(this));
  }
}

/** Its parts are no properties of its own: whoever prints a scope is not shown all of Node's insides. */
class Exchange implements NodeExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #take: () => void;

  constructor(request: IncomingMessage, response: ServerResponse, take: () => void) {
    this.#request = request;
    this.#response = response;
    this.#take = take;
  }

  get request(): IncomingMessage {
    return this.#request;
  }

  get response(): ServerResponse {
    return this.#response;
  }

  takeOver(): void {
    this.#take();
  }
}

function takenOver(): MillraceError {
  return new MillraceError("ERR_PROTOCOL_STATE", {
    happened: "The exchange was taken over by a Node listener, which answers it",
    wanted: "nothing sent by the application",
  });
}
