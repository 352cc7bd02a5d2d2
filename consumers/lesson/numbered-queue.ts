import type { LessonMessage } from "./lesson-message.ts";

/** What a client is answered when it asks for the messages after a number. */
export interface Batch {
  readonly messages: readonly LessonMessage[];
  /** The number of the last message: ask for what comes after it the next time. */
  readonly last: number;
  /** How many messages were there for this client and are gone. */
  readonly lost: number;
}

/** The last messages, numbered from 1. When it is full the oldest goes. */
export class NumberedQueue {
  readonly #size: number;
  readonly #messages: LessonMessage[] = [];
  #last = 0;

  constructor(size: number) {
    this.#size = size;
  }

  push(message: LessonMessage) {
    this.#last++;
    this.#messages.push(message);
    if (this.#messages.length > this.#size) this.#messages.shift();
  }

  /** The messages after a number. A number from the future is one from before a restart. */
  after(number: number): Batch {
    const from = number > this.#last ? 0 : number;
    const wanted = this.#last - from;
    const messages = wanted === 0 ? [] : this.#messages.slice(-wanted);
    return { messages, last: this.#last, lost: wanted - messages.length };
  }

  /** Forgets the messages up to a number, because their reader has them. */
  forget(number: number) {
    const { messages } = this.after(number);
    this.#messages.splice(0, this.#messages.length - messages.length);
  }
}
