import { publish } from "../protocol/diagnostics.ts";
import type { MillraceError } from "../protocol/errors.ts";

/** An interval in which messages may be missing, in milliseconds since 1970. */
export interface Gap {
  readonly since: number;
  readonly until: number;
}

/** Hears of the condition of a layer. */
export interface ConditionListener {
  readonly onDegraded?: (since: number, reason: MillraceError) => void;
  readonly onRecovered?: (gap: Gap) => void;
}

/**
 * The condition of a layer, put together from that of its connections: it is degraded while at
 * least one of them is, and the gap that it tells covers the gaps of them all. It publishes
 * `millrace:layer:degraded` and `millrace:layer:recovered`.
 */
export class LayerCondition {
  readonly #layer: string;
  readonly #listener: ConditionListener;
  readonly #degraded = new Set<object>();
  readonly #settling = new Map<object, NodeJS.Timeout>();
  #since = Infinity;

  /** @param layer is what the layer is called in diagnostics. */
  constructor(layer: string, listener: ConditionListener = {}) {
    this.#layer = layer;
    this.#listener = listener;
  }

  /** Whether something is amiss. */
  get degraded(): boolean {
    return this.#degraded.size > 0;
  }

  /** @param connection stands for itself: any object, the same in `recover`. */
  degrade(connection: object, since: number, reason: MillraceError): void {
    this.#unsettle(connection);
    this.#degraded.add(connection);
    if (since >= this.#since) return;
    this.#since = since;
    publish("millrace:layer:degraded", () => ({ layer: this.#layer, since, reason: reason.message }));
    this.#listener.onDegraded?.(since, reason);
  }

  /** @param until may lie ahead: the connection counts as degraded until then, and is told then. */
  recover(connection: object, since: number, until: number): void {
    if (!this.#degraded.has(connection)) return;
    this.#unsettle(connection);
    this.#since = Math.min(this.#since, since);
    const ahead = until - Date.now();
    if (ahead <= 0) return this.#recovered(connection, until);
    const timer = setTimeout(() => this.#recovered(connection, Math.max(until, Date.now())), ahead);
    this.#settling.set(connection, timer.unref());
  }

  /** Tells nothing more. */
  close(): void {
    for (const timer of this.#settling.values()) clearTimeout(timer);
    this.#settling.clear();
    this.#degraded.clear();
  }

  #unsettle(connection: object): void {
    clearTimeout(this.#settling.get(connection));
    this.#settling.delete(connection);
  }

  #recovered(connection: object, until: number): void {
    this.#settling.delete(connection);
    this.#degraded.delete(connection);
    if (this.#degraded.size > 0) return;
    const gap = { since: this.#since, until };
    this.#since = Infinity;
    publish("millrace:layer:recovered", () => ({ layer: this.#layer, ...gap }));
    this.#listener.onRecovered?.(gap);
  }
}
