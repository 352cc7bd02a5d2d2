import { readLessonMessage } from "./lesson-message.ts";
import { LessonRequest } from "./lesson-request.ts";
import { UserQueues } from "./user-queues.ts";

const group = "lesson.long-polling";

/**
 * Long polling (长轮询): each user has a queue. A request that finds it empty is held for up to 30
 * seconds, and answered at once when a message is there.
 *
 * A message waits in the queue until the user's next request says that it arrived (`after`), so
 * none is lost between two requests or with an answer that did not arrive. Lost are: messages over
 * the hundredth that waits (the answer counts them), those of a user who has no queue yet or whose
 * queue had to make room, and all of them when the process ends.
 */
export class LongPollingConsumer extends LessonRequest {
  /** The consumer hears its group from before `handle` on, so no message slips past its first look. */
  override groups = [group];

  queues = new UserQueues();
  /** For how many milliseconds a request is held. */
  hold = 30_000;

  #wake = () => {};

  override async handle(body: Uint8Array) {
    if (this.scope.method === "POST") return this.#send(Buffer.from(body).toString());
    const user = this.scope.query.get("user") ?? "";
    if (!/^[\w-]{1,40}$/.test(user)) return this.answer(400, { problem: "Say who asks: ?user=" });
    const queue = this.queues.of(user);
    if (this.after === undefined) return this.answer(200, { ...queue.after(0), messages: [], lost: 0 });
    queue.forget(this.after);
    if (queue.after(this.after).last === this.after) await this.#message();
    this.answer(200, queue.after(this.after));
  }

  /** A message was put into the queues. */
  lesson_message() {
    this.#wake();
  }

  /** A server that stops does not wait for what is held. */
  override stopping() {
    this.#wake();
  }

  /** Settles when a message is there, when it was held for long enough, or when nobody waits any more. */
  #message(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.hold);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.signal.addEventListener("abort", this.#wake, { once: true });
    });
  }

  async #send(json: string) {
    const message = readLessonMessage(json);
    if (message === undefined) return this.answer(400, { problem: "That is no message." });
    this.queues.push(message);
    await this.channelLayer.groupSend<LongPollingConsumer>(group, { type: "lesson.message" });
    this.answer(202, {});
  }
}
