import type { LayerMessage } from "./message.ts";

/** Headers to send: a record, or pairs where a name is sent more than once. */
export type OutgoingHeaders =
  | Readonly<Record<string, string | readonly string[]>>
  | ReadonlyArray<readonly [name: string, value: string]>;

export interface WebsocketConnect {
  readonly type: "websocket.connect";
}

/**
 * A message of the client: `text`, or `bytes`, never both. The bytes may share their memory with
 * other messages of the client.
 */
export interface WebsocketReceive {
  readonly type: "websocket.receive";
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

/**
 * The peer is gone. The code is that of its close frame (1005 when the frame had none); that with
 * which it was closed because it broke the protocol (1002, 1007, 1008, 1009); or 1006.
 */
export interface WebsocketDisconnect {
  readonly type: "websocket.disconnect";
  readonly code: number;
  readonly reason: string;
}

/** A part of a request's body; the last has `moreBody: false`. */
export interface HttpRequest {
  readonly type: "http.request";
  readonly body: Uint8Array;
  readonly moreBody: boolean;
}

/** The exchange is over: the response was sent whole, or the client left. */
export interface HttpDisconnect {
  readonly type: "http.disconnect";
}

/** The server is stopping: what a request waits for will not come in time, so answer now. */
export interface HttpStopping {
  readonly type: "http.stopping";
}

export interface LifespanStartup {
  readonly type: "lifespan.startup";
}

export interface LifespanShutdown {
  readonly type: "lifespan.shutdown";
}

/** What a transport hands to a websocket application. */
export type WebsocketIncoming = WebsocketConnect | WebsocketReceive | WebsocketDisconnect;
/** What a transport hands to an http application. */
export type HttpIncoming = HttpRequest | HttpStopping | HttpDisconnect;
/** What a server hands to a lifespan application. */
export type LifespanIncoming = LifespanStartup | LifespanShutdown;

/** What a transport hands to an application; a channel's messages have types of the application's own. */
export type Incoming = WebsocketIncoming | HttpIncoming | LifespanIncoming | LayerMessage;

/** Opens the socket. The subprotocol must be one that the client offered. */
export interface WebsocketAccept {
  readonly type: "websocket.accept";
  readonly subprotocol?: string | undefined;
  readonly headers?: OutgoingHeaders | undefined;
}

/** Refuses the socket with an HTTP response: 403 by default. */
export interface WebsocketDeny {
  readonly type: "websocket.deny";
  readonly status?: number | undefined;
  readonly headers?: OutgoingHeaders | undefined;
  readonly body?: string | Uint8Array | undefined;
}

/** A message to the client: `text`, or `bytes`, never both; either may be empty. */
export interface WebsocketSend {
  readonly type: "websocket.send";
  readonly text?: string | undefined;
  readonly bytes?: Uint8Array | undefined;
  /**
   * A key: if the client is behind, the message takes the place of one with the same key that still
   * waits, which is not sent then.
   */
  readonly latest?: string | undefined;
  /** `false` sends it as it is where messages are compressed. */
  readonly compress?: boolean | undefined;
}

/** Closes the socket; before `websocket.accept` it refuses it with 403. */
export interface WebsocketClose {
  readonly type: "websocket.close";
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
}

/** Begins a response. */
export interface HttpResponseStart {
  readonly type: "http.response.start";
  readonly status: number;
  readonly headers?: OutgoingHeaders | undefined;
}

/** A part of a response's body; without `moreBody: true` it is the last. */
export interface HttpResponseBody {
  readonly type: "http.response.body";
  readonly body: string | Uint8Array;
  readonly moreBody?: boolean | undefined;
}

/** Breaks off a response that can't be brought to its end, so that the client notices. */
export interface HttpAbort {
  readonly type: "http.abort";
}

/** What a websocket application sends. */
export type WebsocketOutgoing = WebsocketAccept | WebsocketDeny | WebsocketSend | WebsocketClose;
/** What an http application sends. */
export type HttpOutgoing = HttpResponseStart | HttpResponseBody | HttpAbort;
/** What an application sends to its transport. */
export type Outgoing = WebsocketOutgoing | HttpOutgoing;
