import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { wheel, type WheelItem } from "../flow/wheel.ts";

/** How many requests a client may send on one connection before the first of them is answered. */
export const maxQueuedRequests = 100;

/** By connection, the responses that wait for their turn on it. */
const queues = new WeakMap<Socket, ResponseQueue>();

/** By connection, the response to the request that came last. */
const latest = new WeakMap<Socket, ServerResponse>();

/** Whether a response is still to be sent on a connection, so that nothing else may be. */
export function isAnswering(socket: Socket): boolean {
  return latest.get(socket)?.writableFinished === false;
}

/**
 * Lets a response that waits behind others end with its connection. Node closes only the response
 * whose turn it is; of those behind it nobody would ever hear again.
 *
 * @param pausedTimeout for how many milliseconds the connection may not be read from because of what
 *   waits on it; then it is cut.
 * @returns `false` when too many wait. The connection is cut then.
 */
export function queueResponse({ socket }: IncomingMessage, response: ServerResponse, pausedTimeout: number): boolean {
  latest.set(socket, response);
  if (response.socket !== null) return true;
  let queue = queues.get(socket);
  if (queue === undefined) queues.set(socket, (queue = new ResponseQueue(socket, pausedTimeout)));
  return queue.add(response);
}

/** What waits on one connection, with one listener and one deadline for all. */
class ResponseQueue implements WheelItem {
  due = 0;
  readonly #socket: Socket;
  readonly #pausedTimeout: number;
  readonly #responses = new Set<ServerResponse>();

  constructor(socket: Socket, pausedTimeout: number) {
    this.#socket = socket;
    this.#pausedTimeout = pausedTimeout;
    socket.once("close", () => this.#closed());
  }

  add(response: ServerResponse): boolean {
    if (this.#responses.size >= maxQueuedRequests) {
      this.#socket.destroy();
      return false;
    }
    this.#responses.add(response);
    response.once("close", () => this.#responses.delete(response));
    // Node has paused it when what waits is more than its buffer holds, and does not see its client leave then.
    if (this.#socket.isPaused()) wheel.set(this, this.#pausedTimeout);
    return true;
  }

  onDue(): void {
    if (!this.#socket.isPaused()) return;
    // What is being written will show whether the client is there.
    if (this.#socket.writableNeedDrain) wheel.set(this, this.#pausedTimeout);
    else this.#socket.destroy();
  }

  #closed(): void {
    wheel.clear(this);
    for (const response of this.#responses) {
      if (response.socket !== null) continue;
      response.destroy();
      response.emit("close");
    }
  }
}
