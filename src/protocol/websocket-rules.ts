import { MillraceError, show } from "./errors.ts";
import type {
  OutgoingHeaders,
  WebsocketAccept,
  WebsocketClose,
  WebsocketDeny,
  WebsocketOutgoing,
  WebsocketSend,
} from "./events.ts";
import { headerPairs } from "./headers.ts";

/** How far a websocket session has come. A session that was refused or whose peer left is closed. */
export type WebsocketState = "connecting" | "open" | "closed";

/** The headers that belong to the handshake itself. */
const handshakeHeaders = /^(?:connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

/**
 * Checks what an application sends against the state of its session; every transport asks it
 * before it acts. On a closed session nothing is wrong: the peer may have left at any moment.
 *
 * @returns the state that the session has after the event.
 * @throws MillraceError `ERR_PROTOCOL_STATE`, `ERR_INVALID_EVENT`, `ERR_SUBPROTOCOL_NOT_OFFERED`,
 *   `ERR_INVALID_CLOSE` or `ERR_INVALID_HEADER`.
 */
export function nextWebsocketState(
  state: WebsocketState,
  event: WebsocketOutgoing,
  offered: readonly string[],
): WebsocketState {
  switch (event.type) {
    case "websocket.send":
      checkMessage(event);
      if (state === "connecting") throw wrongState("The socket has not been accepted", "accept() before send()");
      return state;
    case "websocket.accept":
      checkAccept(event, offered);
      if (state === "open") throw wrongState("The socket has been accepted already", "one accept()");
      return state === "closed" ? state : "open";
    case "websocket.deny":
      checkDeny(event);
      if (state === "open") throw wrongState("The socket has been accepted already", "close(code, reason)");
      return "closed";
    case "websocket.close":
      checkClose(event);
      return "closed";
    default:
      throw unknownEvent(event);
  }
}

/**
 * Checks what goes into a close frame.
 *
 * @throws MillraceError `ERR_INVALID_CLOSE`.
 */
export function checkClose(event: WebsocketClose): void {
  const { code, reason } = event;
  if (code !== undefined && !isSendableCode(code)) {
    throw new MillraceError("ERR_INVALID_CLOSE", {
      happened: "That close code can't be sent",
      got: code,
      wanted: "4000 to 4999 for codes of your own, 3000 to 3999, or 1000 to 1014 without 1004, 1005 and 1006",
    });
  }
  if (reason !== undefined && (typeof reason !== "string" || Buffer.byteLength(reason) > 123)) {
    throw new MillraceError("ERR_INVALID_CLOSE", {
      happened: "That close reason does not fit into a close frame",
      got: reason,
      wanted: "a string of at most 123 bytes in UTF-8",
    });
  }
}

function isSendableCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

function checkMessage(event: WebsocketSend): void {
  const { text, bytes, latest, compress } = event;
  if (latest !== undefined || compress !== undefined) checkWay(latest, compress);
  if (typeof text === "string" && bytes === undefined) return;
  if (text === undefined && bytes instanceof Uint8Array) return;
  throw new MillraceError("ERR_INVALID_EVENT", {
    happened: "That can't be sent over a socket",
    got: text ?? bytes,
    wanted: "a string, or a Uint8Array, and only one of them",
    remedy: "Use JSON.stringify or sendJson for other values",
  });
}

/** Checks how a message is to be sent. */
function checkWay(latest: unknown, compress: unknown): void {
  const rightKey = latest === undefined || typeof latest === "string";
  if (rightKey && (compress === undefined || typeof compress === "boolean")) return;
  throw new MillraceError("ERR_INVALID_EVENT", {
    happened: `The option ${rightKey ? "compress" : "latest"} of a message can't be used`,
    got: rightKey ? compress : latest,
    wanted: rightKey ? "true or false" : "a key, which is a string",
  });
}

function checkAccept(event: WebsocketAccept, offered: readonly string[]): void {
  const { subprotocol, headers } = event;
  if (subprotocol !== undefined && !offered.includes(subprotocol)) {
    throw new MillraceError("ERR_SUBPROTOCOL_NOT_OFFERED", {
      happened: "A client closes a socket whose subprotocol it did not offer",
      got: subprotocol,
      wanted: offered.length === 0 ? "none, for the client offered none" : `one of ${offered.join(", ")}`,
    });
  }
  checkHeaders(headers);
}

function checkDeny(event: WebsocketDeny): void {
  const { status = 403, headers, body = "" } = event;
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "A socket can't be refused with that status",
      got: status,
      wanted: "300 to 599",
    });
  }
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "That can't be sent as the body of a refusal",
      got: body,
      wanted: "a string or a Uint8Array",
    });
  }
  checkHeaders(headers);
}

function checkHeaders(headers: OutgoingHeaders | undefined): void {
  for (const [name] of headerPairs(headers)) {
    if (!handshakeHeaders.test(name)) continue;
    throw new MillraceError("ERR_INVALID_HEADER", {
      happened: `The header ${name} belongs to the handshake`,
      remedy: "Leave it out; a subprotocol is the first argument of accept",
    });
  }
}

function wrongState(happened: string, wanted: string): MillraceError {
  return new MillraceError("ERR_PROTOCOL_STATE", { happened, wanted });
}

function unknownEvent(event: never): MillraceError {
  return new MillraceError("ERR_INVALID_EVENT", {
    happened: `A websocket takes no such event: ${show(event)}`,
    wanted: "websocket.accept, websocket.deny, websocket.send or websocket.close",
  });
}
