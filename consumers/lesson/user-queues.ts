import type { LessonMessage } from "./lesson-message.ts";
import { NumberedQueue } from "./numbered-queue.ts";

/** How many messages wait for a user who is not asking. */
const queueSize = 100;
/** How many users have a queue; beyond, the one who has not asked for longest loses it. */
const mostUsers = 1000;

/** A queue for each user, in this process. */
export class UserQueues {
  // A map keeps its order: whoever asks is moved to the end, so the first has been away for longest.
  readonly #queues = new Map<string, NumberedQueue>();

  /** The queue of a user, made when first asked for. */
  of(user: string): NumberedQueue {
    const queue = this.#queues.get(user) ?? new NumberedQueue(queueSize);
    this.#queues.delete(user);
    this.#queues.set(user, queue);
    for (const longestAway of this.#queues.keys()) {
      if (this.#queues.size <= mostUsers) break;
      this.#queues.delete(longestAway);
    }
    return queue;
  }

  /** Puts a message into every user's queue. */
  push(message: LessonMessage) {
    for (const queue of this.#queues.values()) queue.push(message);
  }
}
