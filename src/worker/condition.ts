import { publish } from "../protocol/diagnostics.ts";
import type { MillraceError } from "../protocol/errors.ts";

/** Tells when a worker has lost Redis by any of its connections, and when it has all of them again. */
export class WorkerCondition {
  readonly #down = new Set<object>();
  #since = Infinity;

  /** @param connection stands for itself: any object, the same in {@link up}. */
  down(connection: object, since: number, reason: MillraceError): void {
    this.#down.add(connection);
    this.#since = Math.min(this.#since, since);
    if (this.#down.size > 1) return;
    publish("millrace:worker:degraded", () => ({ since: this.#since, reason: reason.message }));
  }

  /** The connection is there again, or is no longer wanted. */
  up(connection: object, since = Infinity): void {
    if (!this.#down.delete(connection)) return;
    this.#since = Math.min(this.#since, since);
    if (this.#down.size > 0) return;
    const gap = { since: this.#since, until: Date.now() };
    this.#since = Infinity;
    publish("millrace:worker:recovered", () => gap);
  }
}
