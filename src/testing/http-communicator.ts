import type { ApplicationLike } from "../protocol/application.ts";
import type { HttpOutgoing, Outgoing } from "../protocol/events.ts";
import { headerPairs } from "../protocol/headers.ts";
import { type HttpState, nextHttpState } from "../protocol/http-rules.ts";
import type { HttpScope } from "../protocol/scope.ts";
import { ApplicationCommunicator, defaultTimeout, unexpected } from "./application-communicator.ts";
import { httpScope, type RequestOptions } from "./test-scope.ts";

/** What an http communicator may be told. */
export interface HttpOptions extends RequestOptions {
  /** The request's body. @default "" */
  readonly body?: string | Uint8Array;
}

/** A whole response. */
export interface CommunicatorResponse {
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: Buffer;
  /** The body as UTF-8. */
  readonly text: string;
}

type ResponseHead = Pick<CommunicatorResponse, "status" | "headers">;

/** Plays a client that makes one request, without a server. */
export class HttpCommunicator extends ApplicationCommunicator<HttpScope> {
  readonly #body: Uint8Array;
  readonly #parts: Buffer[] = [];
  #head: ResponseHead | undefined;
  #whole = false;
  #started = false;
  #state: HttpState = "waiting";
  #disconnected = false;

  /** @param target is the path, with or without a query string. */
  constructor(application: ApplicationLike, method: string, target: string, options: HttpOptions = {}) {
    super(application, httpScope(method, target, options), options);
    this.#body = Buffer.from(options.body ?? "");
  }

  /** Sends the request. The calls that take the response do so by themselves. */
  async request(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.sendInput({ type: "http.request", body: this.#body, moreBody: false });
  }

  /**
   * The whole response. After a time-out it may be called again to wait for longer.
   *
   * @param timeout for each of its parts, in milliseconds.
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  async getResponse(timeout: number = defaultTimeout): Promise<CommunicatorResponse> {
    this.#head ??= await this.receiveHead(timeout);
    while (!this.#whole) {
      const { body, moreBody } = await this.receiveBody(timeout);
      this.#parts.push(body);
      this.#whole = !moreBody;
    }
    await this.waitForEnd(timeout);
    const body = Buffer.concat(this.#parts);
    return { ...this.#head, body, text: body.toString() };
  }

  /** The response's status and headers. */
  async receiveHead(timeout: number = defaultTimeout): Promise<ResponseHead> {
    await this.request();
    const event = await this.receiveOutput(timeout);
    if (event.type !== "http.response.start") throw unexpected(event, "http.response.start");
    return { status: event.status, headers: headerPairs(event.headers) };
  }

  /** The next part of the response's body. */
  async receiveBody(timeout: number = defaultTimeout): Promise<{ readonly body: Buffer; readonly moreBody: boolean }> {
    const event = await this.receiveOutput(timeout);
    if (event.type !== "http.response.body") throw unexpected(event, "http.response.body");
    return { body: Buffer.from(event.body), moreBody: event.moreBody ?? false };
  }

  /**
   * The client leaves; waits until the application has ended. Without effect when the response was
   * whole before: the application has been told so.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  async leave(timeout: number = defaultTimeout): Promise<void> {
    this.#end();
    await this.waitForEnd(timeout);
  }

  protected override takeOutput(event: Outgoing): boolean {
    const before = this.#state;
    // The rules refuse what is not an http exchange's.
    this.#state = nextHttpState(before, event as HttpOutgoing);
    if (before === "closed") return false;
    super.takeOutput(event);
    if (this.#state === "closed") this.#end();
    return true;
  }

  #end(): void {
    if (this.#disconnected) return;
    this.#disconnected = true;
    this.#state = "closed";
    this.endSession({ type: "http.disconnect" });
  }
}
