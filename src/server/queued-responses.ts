import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** How many requests a client may send on one connection before the first of them is answered. */
export const maxQueuedRequests = 100;

/** By connection, the responses that wait for their turn on it. */
const queued = new WeakMap<Socket, Set<ServerResponse>>();

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
 * @returns `false` when too many wait. The connection is cut then.
 */
export function queueResponse({ socket }: IncomingMessage, response: ServerResponse): boolean {
  latest.set(socket, response);
  if (response.socket !== null) return true;
  const responses = queued.get(socket) ?? queueOf(socket);
  if (responses.size >= maxQueuedRequests) {
    socket.destroy();
    return false;
  }
  responses.add(response);
  response.once("close", () => responses.delete(response));
  return true;
}

/** One listener for a connection, however many responses wait on it. */
function queueOf(socket: Socket): Set<ServerResponse> {
  const responses = new Set<ServerResponse>();
  queued.set(socket, responses);
  socket.once("close", () => {
    for (const response of responses) {
      if (response.socket === null) close(response);
    }
  });
  return responses;
}

function close(response: ServerResponse): void {
  response.destroy();
  response.emit("close");
}
