import type { HttpDisconnect, HttpRequest, HttpStopping, OutgoingHeaders } from "../protocol/events.ts";
import { headerPairs } from "../protocol/headers.ts";
import type { HttpScope } from "../protocol/scope.ts";
import { Consumer } from "./consumer.ts";
import { StopConsumer } from "./control.ts";
import { markFrameworkClass } from "./handlers.ts";
import { type ConsumerProtocol, httpProtocol } from "./protocols.ts";

/**
 * Handles one HTTP request. Override `handle`. While it waits, the messages of the consumer's
 * groups are handled, and `signal` says when the client leaves: that is all a long poll needs.
 */
export class HttpConsumer<Path extends string = string> extends Consumer<Path> {
  /** @internal */
  static override readonly protocol: ConsumerProtocol = httpProtocol;

  /** How large a request's body may be, in bytes; a larger one is answered with 413. */
  maxBody: number = 1024 * 1024;

  #body: Uint8Array[] = [];
  #size = 0;

  override get scope(): HttpScope {
    // The class serves no other protocol.
    return super.scope as HttpScope;
  }

  /**
   * Answers the request, with one `sendResponse`, or with `sendHeaders` and `sendBody`. An answer
   * that is not complete when it ends is an error: 500, or a response broken off.
   */
  handle(_body: Uint8Array): void | Promise<void> {}

  /**
   * Called while `handle` waits, when the server is stopping. Let a request that is held open be
   * answered here: what is not answered within the server's `shutdownTimeout` is cut.
   */
  stopping(): void | Promise<void> {}

  /** Comes last, once: after the response was sent, or when the client left. */
  disconnect(): void | Promise<void> {}

  /** Sends a whole response. A string is sent as UTF-8 and, unless `headers` say otherwise, as plain text. */
  sendResponse(status: number, body: string | Uint8Array = "", headers: OutgoingHeaders = {}): boolean {
    this.sendHeaders(status, typeof body === "string" ? withDefaultType(headers) : headers);
    return this.sendBody(body);
  }

  /** Begins a response whose body follows by `sendBody`. */
  sendHeaders(status = 200, headers: OutgoingHeaders = {}): void {
    this.sendEvent({ type: "http.response.start", status, headers });
  }

  /**
   * Sends a part of the body; without `moreBody: true` it is the last.
   *
   * @returns `false` when the client is behind: `await this.drained()` waits for it.
   */
  sendBody(body: string | Uint8Array, { moreBody = false }: { readonly moreBody?: boolean } = {}): boolean {
    return this.sendEvent({ type: "http.response.body", body, moreBody });
  }

  async http_request({ body, moreBody }: HttpRequest): Promise<void> {
    this.#size += body.byteLength;
    if (this.#size > this.maxBody) return this.#refuseBody(moreBody);
    this.#body.push(body);
    if (moreBody) return;
    const whole = Buffer.concat(this.#body);
    this.#body = [];
    await this.handle(whole);
  }

  http_stopping(_message: HttpStopping): void | Promise<void> {
    return this.stopping();
  }

  http_disconnect(_message: HttpDisconnect): void | Promise<void> {
    return this.disconnect();
  }

  #refuseBody(moreBody: boolean): void {
    this.#body = [];
    this.sendResponse(413, "Content Too Large\n", { connection: "close" });
    if (moreBody) throw new StopConsumer();
  }
}
markFrameworkClass(HttpConsumer);

function withDefaultType(headers: OutgoingHeaders): OutgoingHeaders {
  const pairs = headerPairs(headers);
  if (pairs.some(([name]) => name.toLowerCase() === "content-type")) return headers;
  return [...pairs, ["content-type", "text/plain; charset=utf-8"]];
}
