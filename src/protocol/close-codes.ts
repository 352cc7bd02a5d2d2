/** Whether a client that was closed with a code should come back. */
export type Return = "yes" | "no" | "with back-off";

/** A close code, when a client sees it, and what the client should do. */
export interface CloseCode {
  readonly code: number;
  readonly name: string;
  readonly when: string;
  readonly comeBack: Return;
}

/**
 * The close codes that a client of Millrace sees without the application having chosen one.
 * The application's own are 4000 to 4999 (and 3000 to 3999, which IANA registers).
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4
 */
export const closeCodes = {
  normal: {
    code: 1000,
    name: "normal",
    when: "the application closed the socket without a code of its own, or stopped",
    comeBack: "no",
  },
  goingAway: {
    code: 1001,
    name: "going away",
    when: "the server is stopping",
    comeBack: "with back-off",
  },
  protocolError: {
    code: 1002,
    name: "protocol error",
    when: "the client broke the WebSocket protocol, by a frame without a mask for example",
    comeBack: "no",
  },
  unsupportedData: {
    code: 1003,
    name: "unsupported data",
    when: "the client sent binary data to a consumer that takes only text",
    comeBack: "no",
  },
  abnormal: {
    code: 1006,
    name: "abnormal",
    when: "the connection was lost without a close frame; no one sends this code",
    comeBack: "with back-off",
  },
  invalidPayload: {
    code: 1007,
    name: "invalid payload",
    when: "the client sent text that is not UTF-8, or not JSON where JSON was expected",
    comeBack: "no",
  },
  policyViolation: {
    code: 1008,
    name: "policy violation",
    when: "the client cut a message into too many fragments",
    comeBack: "no",
  },
  tooBig: {
    code: 1009,
    name: "message too big",
    when: "the client sent a message over the size limit",
    comeBack: "no",
  },
  internalError: {
    code: 1011,
    name: "internal error",
    when: "a handler of the application failed",
    comeBack: "with back-off",
  },
  tryAgainLater: {
    code: 1013,
    name: "try again later",
    when: "the client read so slowly that its outbound queue was full, or left the server waiting for too long",
    comeBack: "with back-off",
  },
} as const satisfies Record<string, CloseCode>;
