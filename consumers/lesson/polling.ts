import { readLessonMessage } from "./lesson-message.ts";
import { LessonRequest } from "./lesson-request.ts";
import { NumberedQueue } from "./numbered-queue.ts";

/**
 * Polling (轮询): POST keeps a message, GET answers with those that came since the last one. The
 * browser asks again and again, whether there is something new or not.
 */
export class PollingConsumer extends LessonRequest {
  /** One list for all. A request has a consumer of its own, so the list must come from outside. */
  list = new NumberedQueue(100);

  override handle(body: Uint8Array) {
    if (this.scope.method === "POST") return this.#keep(Buffer.from(body).toString());
    const { last } = this.list.after(0);
    this.answer(200, this.list.after(this.after ?? last));
  }

  #keep(json: string) {
    const message = readLessonMessage(json);
    if (message === undefined) return this.answer(400, { problem: "That is no message." });
    this.list.push(message);
    this.answer(202, {});
  }
}
