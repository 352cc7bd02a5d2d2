import type { IncomingMessage } from "node:http";
import type { HttpRequest } from "../protocol/events.ts";

const empty = Buffer.alloc(0);

/**
 * Reads a request's body and hands it on in parts, the last marked as such. While a part is
 * unhandled, no more is read.
 */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #deliver: (event: HttpRequest) => void | Promise<void>;
  #left: number;
  #ended = false;
  readonly #onData = (chunk: Buffer): void => this.#part(chunk);
  readonly #onEnd = (): void => this.#end(empty);

  constructor(request: IncomingMessage, deliver: (event: HttpRequest) => void | Promise<void>) {
    this.#request = request;
    this.#deliver = deliver;
    // Without a length, NaN: the last part is known only when it has come.
    this.#left = Number(request.headers["content-length"]);
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
  }

  /** Hands on nothing more. What still comes is thrown away, so that the connection can be used again. */
  stop(): void {
    this.#ended = true;
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    this.#request.resume();
  }

  #part(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left === 0) return this.#end(chunk);
    const handled = this.#deliver({ type: "http.request", body: chunk, moreBody: true });
    if (handled === undefined) return;
    this.#request.pause();
    void handled.then(() => this.#request.resume());
  }

  #end(body: Buffer): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#deliver({ type: "http.request", body, moreBody: false });
  }
}
