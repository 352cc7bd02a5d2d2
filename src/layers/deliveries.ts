import { Queue } from "../flow/queue.ts";

/**
 * Lets one delivery end before the next begins. What is asked for while another runs waits for its
 * turn, and the outermost call works it off in a loop: so all receivers see one order, and a chain
 * of answers does not deepen the stack.
 */
export class Deliveries {
  readonly #waiting = new Queue<() => void>();
  #running = false;

  /** How many deliveries wait for the one that runs. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs a delivery, now or in its turn. It MUST NOT throw. */
  enter(delivery: () => void): void {
    if (this.#running) return this.#waiting.push(delivery);
    this.#running = true;
    delivery();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    this.#running = false;
  }

  /** Runs a delivery, now or in its turn, and settles with what it returned or threw. */
  run<T>(delivery: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.enter(() => {
        try {
          resolve(delivery());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
