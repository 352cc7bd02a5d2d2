import { MillraceError, show } from "./errors.ts";
import type { HttpOutgoing, HttpResponseBody, HttpResponseStart } from "./events.ts";
import { headerPairs } from "./headers.ts";

/** How far an http exchange has come. One whose response is whole, or whose client left, is closed. */
export type HttpState = "waiting" | "begun" | "closed";

/**
 * Checks what an application sends against the state of its exchange; every transport asks it before
 * it acts. On a closed exchange nothing is wrong: the client may have left at any moment.
 *
 * @returns the state that the exchange has after the event.
 * @throws MillraceError `ERR_PROTOCOL_STATE`, `ERR_INVALID_EVENT` or `ERR_INVALID_HEADER`.
 */
export function nextHttpState(state: HttpState, event: HttpOutgoing): HttpState {
  switch (event.type) {
    case "http.response.start":
      checkStart(event);
      if (state === "begun") throw wrongState("The response has begun already", "sendBody(…)");
      return state === "closed" ? state : "begun";
    case "http.response.body":
      checkBody(event);
      if (state === "waiting") throw wrongState("The response has not begun", "sendHeaders() before sendBody()");
      return event.moreBody === true ? state : "closed";
    case "http.abort":
      return "closed";
    default:
      throw unknownEvent(event);
  }
}

function checkStart({ status, headers }: HttpResponseStart): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "A response can't have that status",
      got: status,
      wanted: "200 to 599",
    });
  }
  for (const [name] of headerPairs(headers)) {
    if (name.toLowerCase() !== "trailer") continue;
    // Node throws when it writes the head of a response that has no chunks: to HEAD, or to HTTP/1.0.
    throw new MillraceError("ERR_INVALID_HEADER", {
      happened: "The header trailer announces what no event can send",
      remedy: "Leave it out, and put what is known only at the end into the body",
    });
  }
}

function checkBody({ body }: HttpResponseBody): void {
  if (typeof body === "string" || body instanceof Uint8Array) return;
  throw new MillraceError("ERR_INVALID_EVENT", {
    happened: "That can't be sent as a response's body",
    got: body,
    wanted: "a string or a Uint8Array",
    remedy: "Use JSON.stringify for other values",
  });
}

function wrongState(happened: string, wanted: string): MillraceError {
  return new MillraceError("ERR_PROTOCOL_STATE", { happened, wanted });
}

function unknownEvent(event: never): MillraceError {
  return new MillraceError("ERR_INVALID_EVENT", {
    happened: `An http exchange takes no such event: ${show(event)}`,
    wanted: "http.response.start, http.response.body or http.abort",
  });
}
