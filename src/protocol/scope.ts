import type { IncomingHttpHeaders } from "node:http";

/** One end of a connection. A Unix socket's address is its path, and its port is 0. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** The values that a route captured by name: text, or a list for a wildcard. */
export type Params = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * How far the routers have come with a path. Routers alone read and write it; whoever derives a
 * scope copies it along.
 */
export interface Routing {
  /**
   * The part of the path that is still to be matched: percent-encoded by {@link encodeURIComponent}
   * alone, without the slash that led it.
   */
  readonly remaining: string;
  /**
   * There when an outer router can't know whether a router takes what remains. A router says `true`
   * before it calls what its route leads to, and `false` when that has no route after all.
   */
  readonly claim?: (matched: boolean) => void;
}

/** What websocket and http scopes share: the request that opened them. */
export interface RequestScope {
  /** The path, percent signs decoded. An encoded slash is decoded too, so match by `rawPath` where that matters. */
  readonly path: string;
  /** The path as it was sent. */
  readonly rawPath: string;
  /** Where the application is mounted, without a slash at the end; `""` at the root. */
  readonly rootPath: string;
  /** What stood behind the question mark, as it was sent. */
  readonly queryString: string;
  /** The same, parsed. */
  readonly query: URLSearchParams;
  /** Header names are in lower case; the values of a header sent twice are joined as Node joins them. */
  readonly headers: IncomingHttpHeaders;
  /** The peer: the client, or the last proxy that is not trusted. */
  readonly client: Address;
  /** The end that accepted the connection. */
  readonly server: Address;
  readonly httpVersion: string;
  /** What the routes captured by name; an inner route wins over an outer one. */
  readonly params: Params;
  /** What the routes captured by position, the outer router's first. */
  readonly args: readonly string[];
  /** @internal */
  readonly routing?: Routing | undefined;
  /** What middleware adds: `user`, `session`, `cookies` and whatever an application wants. */
  readonly [added: string]: unknown;
}

/** A WebSocket. */
export interface WebsocketScope extends RequestScope {
  readonly type: "websocket";
  readonly scheme: "ws" | "wss";
  /** The subprotocols that the client offered, in its order. */
  readonly subprotocols: readonly string[];
}

/** One HTTP request and its response. */
export interface HttpScope extends RequestScope {
  readonly type: "http";
  readonly scheme: "http" | "https";
  /** In upper case. */
  readonly method: string;
}

/** A background channel, whose messages an application works off. */
export interface ChannelScope {
  readonly type: "channel";
  readonly channel: string;
  readonly [added: string]: unknown;
}

/** The life of the whole application: it starts before anything is served and stops after. */
export interface LifespanScope {
  readonly type: "lifespan";
  readonly [added: string]: unknown;
}

/** What an application is told about what it serves; `type` says the protocol. */
export type Scope = WebsocketScope | HttpScope | ChannelScope | LifespanScope;

/** The protocols that Millrace knows. */
export type Protocol = Scope["type"];
