import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { MillraceError } from "../protocol/errors.ts";
import { parseRequestTarget } from "../protocol/request-target.ts";
import type { Address, HttpScope, RequestScope, WebsocketScope } from "../protocol/scope.ts";
import { forwarded, plainAddress, type ProxyTrust } from "./trusted-proxies.ts";

/** What a server knows about all of its requests. */
export interface ScopeSettings {
  readonly rootPath: string;
  readonly trust: ProxyTrust;
  /** The path of the Unix socket, where the server listens on one. */
  readonly unix: string;
}

/**
 * The scope of a WebSocket's handshake. It holds nothing of Node's request but its headers.
 *
 * @throws MillraceError `ERR_INVALID_PATH`.
 */
export function websocketScope(
  request: IncomingMessage,
  subprotocols: readonly string[],
  settings: ScopeSettings,
): WebsocketScope {
  const { secure, ...parts } = readRequest(request, settings);
  const query = parsedOnce(parts.queryString);
  return {
    type: "websocket",
    scheme: secure ? "wss" : "ws",
    ...parts,
    get query() {
      return query();
    },
    subprotocols,
  };
}

/**
 * The scope of an HTTP request.
 *
 * @throws MillraceError `ERR_INVALID_PATH`.
 */
export function httpScope(request: IncomingMessage, settings: ScopeSettings): HttpScope {
  const { secure, ...parts } = readRequest(request, settings);
  const query = parsedOnce(parts.queryString);
  return {
    type: "http",
    scheme: secure ? "https" : "http",
    ...parts,
    get query() {
      return query();
    },
    method: (request.method ?? "GET").toUpperCase(),
  };
}

/** What both kinds of scope tell of a request, but for the query. */
interface RequestParts {
  readonly path: string;
  readonly rawPath: string;
  readonly rootPath: string;
  readonly queryString: string;
  readonly headers: RequestScope["headers"];
  readonly client: Address;
  readonly server: Address;
  readonly httpVersion: string;
  readonly params: RequestScope["params"];
  readonly args: readonly string[];
  readonly secure: boolean;
}

function readRequest(request: IncomingMessage, settings: ScopeSettings): RequestParts {
  const { headers, httpVersion, socket, url = "/" } = request;
  const target = parseRequestTarget(checkTarget(url));
  const direct = { client: clientOf(socket), secure: isSecure(socket), rootPath: settings.rootPath };
  const { client, secure, rootPath } = forwarded(headers, direct, settings.trust);
  return {
    ...target,
    rootPath,
    headers,
    client,
    server: serverOf(socket, settings.unix),
    httpVersion,
    params: {},
    args: [],
    secure,
  };
}

/** Most applications never ask for the query. */
function parsedOnce(queryString: string): () => URLSearchParams {
  let query: URLSearchParams | undefined;
  return () => (query ??= new URLSearchParams(queryString));
}

/** The forms in which a request names its target: `/path?query` and `http://host/path?query`. */
function checkTarget(target: string): string {
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?(?:[/?#][\x21-\x7e]*)?$/i.test(target)) return target;
  throw new MillraceError("ERR_INVALID_PATH", {
    happened: "The request's target is no path",
    got: target,
    wanted: "a path of printable ASCII, percent-encoded, that begins with a slash",
  });
}

function clientOf({ remoteAddress, remotePort }: Socket): Address {
  return { address: plainAddress(remoteAddress ?? ""), port: remotePort ?? 0 };
}

function serverOf({ localAddress, localPort }: Socket, unix: string): Address {
  return localAddress === undefined
    ? { address: unix, port: 0 }
    : { address: plainAddress(localAddress), port: localPort ?? 0 };
}

function isSecure(socket: Socket): boolean {
  // Only a TLSSocket has the property.
  return (socket as Partial<TLSSocket>).encrypted === true;
}
