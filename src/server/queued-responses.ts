import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** By connection, the responses to requests that came before an earlier one of the same client was answered. */
const queued = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Lets a response end with its connection although its turn on it has not come. Node closes only the
 * response whose turn it is; of those behind it nobody would ever hear again.
 */
export function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const responses = queued.get(socket) ?? queueOf(socket);
  responses.add(response);
  response.once("close", () => responses.delete(response));
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
