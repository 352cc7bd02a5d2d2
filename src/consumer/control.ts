import type { OutgoingHeaders } from "../protocol/events.ts";

/** Throw it in any handler to end the consumer. A socket that is open is closed with 1000. */
export class StopConsumer extends Error {
  override readonly name = "StopConsumer";
}

/** Throw it in `connect` to accept the socket. */
export class AcceptConnection extends Error {
  override readonly name = "AcceptConnection";
  readonly subprotocol: string | undefined;
  readonly headers: OutgoingHeaders | undefined;

  constructor(subprotocol?: string, headers?: OutgoingHeaders) {
    super("The socket is accepted");
    this.subprotocol = subprotocol;
    this.headers = headers;
  }
}

/** How a socket is refused. */
export interface Denial {
  /** 300 to 599. @default 403 */
  readonly status?: number;
  readonly headers?: OutgoingHeaders;
  /** @default the status in words */
  readonly body?: string | Uint8Array;
}

/** Throw it in `connect` to refuse the socket with an HTTP response. */
export class DenyConnection extends Error {
  override readonly name = "DenyConnection";
  readonly denial: Denial;

  constructor(denial: Denial = {}) {
    super("The socket is refused");
    this.denial = denial;
  }
}

/** What steers a connection instead of reporting a failure. */
export type Control = StopConsumer | AcceptConnection | DenyConnection;

/** The control behind something caught, or `undefined` for a failure. */
export function controlOf(caught: unknown): Control | undefined {
  if (caught instanceof StopConsumer || caught instanceof AcceptConnection) return caught;
  return caught instanceof DenyConnection ? caught : undefined;
}
