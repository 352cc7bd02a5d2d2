import type { HttpRequest, Incoming, Outgoing } from "../protocol/events.ts";
import { closeCodes } from "../protocol/close-codes.ts";
import { MillraceError } from "../protocol/errors.ts";
import type { Protocol } from "../protocol/scope.ts";

/** How far the answer to a peer has come. */
export interface Answer {
  /** A socket was accepted, or a response begun. */
  readonly begun: boolean;
  /** A response was sent to its end. */
  readonly complete: boolean;
}

/** What a consumer's life looks like on one protocol. */
export interface ConsumerProtocol {
  readonly name: Protocol;
  /** The types of the transport's own events, which nobody else may send. */
  readonly events: ReadonlySet<string>;
  /** The one that says that the peer is gone. */
  readonly last: string;
  /** Whether an event's handler runs beside the mailbox, so that group messages are heard meanwhile. */
  runsBeside(event: Incoming): boolean;
  /** What is wrong when the handler that runs beside the mailbox has ended and the peer still waits. */
  unfinished(answer: Answer): MillraceError | undefined;
  /** What the peer is sent after a handler failed. */
  onFailure(answer: Answer): readonly Outgoing[];
  /** What the peer is sent after a handler threw StopConsumer. */
  onStop(answer: Answer): readonly Outgoing[];
  /** The last event, for a consumer that ends before its peer. */
  farewell(failed: boolean): Incoming;
}

export const websocketProtocol: ConsumerProtocol = {
  name: "websocket",
  events: new Set(["websocket.connect", "websocket.receive", "websocket.disconnect"]),
  last: "websocket.disconnect",
  runsBeside: () => false,
  unfinished: () => undefined,
  onFailure: ({ begun }) => [
    begun
      ? { type: "websocket.close", code: closeCodes.internalError.code }
      : { type: "websocket.deny", status: 500, body: "Internal Server Error\n" },
  ],
  onStop: () => [{ type: "websocket.close", code: closeCodes.normal.code }],
  farewell: (failed) => ({
    type: "websocket.disconnect",
    code: failed ? closeCodes.internalError.code : closeCodes.normal.code,
    reason: "",
  }),
};

export const httpProtocol: ConsumerProtocol = {
  name: "http",
  events: new Set(["http.request", "http.stopping", "http.disconnect"]),
  last: "http.disconnect",
  runsBeside: (event) => event.type === "http.request" && !(event as HttpRequest).moreBody,
  unfinished: ({ begun, complete }) =>
    complete
      ? undefined
      : new MillraceError("ERR_NO_RESPONSE", {
          happened: `The request was handled ${begun ? "and its response begun, but not ended" : "without a response"}`,
          wanted: "sendResponse, or sendHeaders and a last sendBody",
        }),
  onFailure: ({ begun, complete }) => {
    if (complete) return [];
    if (begun) return [{ type: "http.abort" }];
    return [
      { type: "http.response.start", status: 500, headers: { "content-type": "text/plain; charset=utf-8" } },
      { type: "http.response.body", body: "Internal Server Error\n" },
    ];
  },
  onStop: ({ complete }) => (complete ? [] : [{ type: "http.abort" }]),
  farewell: () => ({ type: "http.disconnect" }),
};

export const channelProtocol: ConsumerProtocol = {
  name: "channel",
  events: new Set(["channel.disconnect"]),
  last: "channel.disconnect",
  runsBeside: () => false,
  unfinished: () => undefined,
  onFailure: () => [],
  onStop: () => [],
  farewell: () => ({ type: "channel.disconnect" }),
};
