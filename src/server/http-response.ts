import type { ServerResponse } from "node:http";
import type { HttpResponseBody, HttpResponseStart } from "../protocol/events.ts";
import { headerPairs } from "../protocol/headers.ts";
import { atTurnEnd, type TurnTask } from "./turn.ts";

/** Statuses whose responses have no body, and no length. */
const bodiless = new Set([204, 304]);

/**
 * Writes a response. Its head waits for the first part of the body, so that a response which is
 * sent in one go has a length and is one write; it goes out alone when the turn ends without one.
 */
export class ResponseWriter implements TurnTask {
  readonly #response: ServerResponse;
  #start: HttpResponseStart | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    // A length that is not the body's own is the application's error, not a client's riddle.
    response.strictContentLength = true;
  }

  /** Begins the response. */
  begin(start: HttpResponseStart): void {
    this.#start = start;
    atTurnEnd(this);
  }

  /** Adds a part of the body, and ends it with the last. `false` says that the client is behind. */
  write({ body, moreBody = false }: HttpResponseBody): boolean {
    const response = this.#response;
    this.#writeHead(moreBody ? undefined : Buffer.byteLength(body));
    if (moreBody) return body.length === 0 || response.write(body);
    response.end(body);
    return !response.writableNeedDrain;
  }

  /** Settles when the client is not behind, or gone. */
  drained(): Promise<void> {
    const response = this.#response;
    if (!response.writableNeedDrain || response.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        response.off("drain", settle);
        response.off("close", settle);
        resolve();
      };
      response.on("drain", settle);
      response.on("close", settle);
    });
  }

  onTurnEnd(): void {
    if (this.#start === undefined || this.#response.destroyed) return;
    this.#writeHead(undefined);
    this.#response.flushHeaders();
  }

  #writeHead(length: number | undefined): void {
    const start = this.#start;
    if (start === undefined) return;
    this.#start = undefined;
    const pairs = headerPairs(start.headers);
    const framed = pairs.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
    if (length !== undefined && !framed && !bodiless.has(start.status)) pairs.push(["content-length", String(length)]);
    this.#response.writeHead(start.status, pairs.flat());
  }
}
