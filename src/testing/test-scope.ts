import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { ChannelLayers } from "../protocol/channel-layers.ts";
import { MillraceError } from "../protocol/errors.ts";
import { parseRequestTarget } from "../protocol/request-target.ts";
import type { Address, HttpScope, RequestScope, WebsocketScope } from "../protocol/scope.ts";
import { InMemoryChannelLayer } from "../layers/in-memory.ts";

/** What a communicator may be told about the request that it plays. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** @default { address: "127.0.0.1", port: 50000 } */
  readonly client?: Address;
  /** Where the application is mounted. @default "" */
  readonly rootPath?: string;
  /** What routers and middleware would have added: `params`, `user`. */
  readonly scope?: Readonly<Record<string, unknown>>;
  /**
   * The layers, by alias. Give the same to all communicators that should hear each other.
   *
   * @default one new in-memory layer, "default"
   */
  readonly layers?: Readonly<Record<string, ChannelLayer>> | ChannelLayers;
}

/** The layers that a communicator's options mean. */
export function layersOf({ layers = { default: new InMemoryChannelLayer() } }: RequestOptions): ChannelLayers {
  // The registry has a private field, by which TypeScript tells it from a record.
  return layers instanceof ChannelLayers ? layers : new ChannelLayers(layers);
}

/** The scope of a websocket that a client opens. */
export function websocketScope(
  target: string,
  subprotocols: readonly string[],
  options: RequestOptions,
): WebsocketScope {
  return { ...requestScope(target, options), type: "websocket", scheme: "ws", subprotocols };
}

/** The scope of a request that a client makes. */
export function httpScope(method: string, target: string, options: RequestOptions): HttpScope {
  return { ...requestScope(target, options), type: "http", scheme: "http", method: method.toUpperCase() };
}

function requestScope(target: string, { headers = {}, client, rootPath = "", scope }: RequestOptions): RequestScope {
  if (typeof target !== "string") {
    throw new MillraceError("ERR_INVALID_OPTION", { happened: "A path is needed", got: target, wanted: "a string" });
  }
  const { path, rawPath, queryString } = parseRequestTarget(target);
  return {
    path,
    rawPath,
    rootPath,
    queryString,
    query: new URLSearchParams(queryString),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    client: client ?? { address: "127.0.0.1", port: 50_000 },
    server: { address: "127.0.0.1", port: 8000 },
    httpVersion: "1.1",
    params: {},
    args: [],
    ...scope,
  };
}
