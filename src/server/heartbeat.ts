import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { wheel, type WheelItem } from "../flow/wheel.ts";

/** How often a silence is looked at in the course of an interval. */
const looks = 4;

/**
 * Finds out whether a client is still there. Any byte counts, so that a slow upload is a sign of
 * life. After `pingInterval` without one the client is pinged, and after `pingTimeout` more it is
 * taken for gone.
 */
export class Heartbeat implements WheelItem {
  due = 0;
  readonly #websocket: WebSocket;
  readonly #socket: Socket;
  readonly #step: number;
  readonly #timeout: number;
  #seen = 0;
  #silent = 0;
  #goneAt: number | undefined;

  constructor(
    websocket: WebSocket,
    socket: Socket,
    { pingInterval, pingTimeout }: { readonly pingInterval: number; readonly pingTimeout: number },
  ) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#step = pingInterval / looks;
    this.#timeout = pingTimeout;
  }

  /** Begins, from this moment. */
  start(): void {
    this.#seen = this.#socket.bytesRead;
    this.#silent = 0;
    this.#goneAt = undefined;
    wheel.set(this, this.#step);
  }

  stop(): void {
    wheel.clear(this);
  }

  onDue(): void {
    if (this.#socket.bytesRead !== this.#seen) return this.start();
    if (this.#goneAt === undefined) return this.#wait();
    const left = this.#goneAt - performance.now();
    if (left <= 0) return this.#websocket.terminate();
    return wheel.set(this, Math.min(this.#step, left));
  }

  #wait(): void {
    this.#silent++;
    if (this.#silent < looks) return wheel.set(this, this.#step);
    this.#goneAt = performance.now() + this.#timeout;
    this.#websocket.ping();
    return wheel.set(this, Math.min(this.#step, this.#timeout));
  }
}
