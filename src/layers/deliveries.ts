import { afterHandling, isHandling } from "../flow/handling.ts";
import { Queue } from "../flow/queue.ts";

/**
 * Lets one delivery end before the next begins. What is asked for while another runs waits for its
 * turn, and the outermost call works it off in a loop: so all receivers see one order, and a chain
 * of answers does not deepen the stack. What a handler asks for waits until it returns: its own
 * mailbox is free then, and need not hold what the handler sends to itself.
 */
export class Deliveries {
  readonly #waiting = new Queue<() => void>();
  #running = false;
  // Made once, not for each handler.
  readonly #onHandled = (): void => this.#workOff();

  /** How many deliveries wait for the one that runs, or for a handler. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs a delivery, now or in its turn. It MUST NOT throw. */
  enter(delivery: () => void): void {
    if (this.#running) return this.#waiting.push(delivery);
    this.#running = true;
    delivery();
    return this.#workOff();
  }

  /** Runs a delivery, now, in its turn or after the handler, and settles with what it returned or threw. */
  run<T>(delivery: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        try {
          resolve(delivery());
        } catch (error) {
          reject(error);
        }
      };
      if (this.#running || !isHandling()) return this.enter(settle);
      this.#running = true;
      this.#waiting.push(settle);
      return afterHandling(this.#onHandled);
    });
  }

  #workOff(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    this.#running = false;
  }
}
