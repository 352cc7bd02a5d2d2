import { HttpConsumer } from "millrace";

/** What the two ways by plain requests share: JSON out, and the size of the request that came in. */
export abstract class LessonRequest extends HttpConsumer {
  protected answer(status: number, content: unknown) {
    this.sendResponse(status, JSON.stringify(content), {
      "content-type": "application/json",
      "cache-control": "no-store",
      // A page can't see the headers that its browser sends, so that the counter is told.
      "request-bytes": String(this.#headLength()),
    });
  }

  /** The number of the last message that the client has, or `undefined` when it has come just now. */
  protected get after(): number | undefined {
    const text = this.scope.query.get("after") ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  #headLength(): number {
    const { method, rawPath, queryString, headers } = this.scope;
    const lines = [`${method} ${rawPath}?${queryString} HTTP/1.1`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${String(value)}`);
    return Buffer.byteLength(lines.join("\r\n")) + 4;
  }
}
