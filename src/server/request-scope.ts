import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { MillraceError } from "../protocol/errors.ts";
import { parseRequestTarget, type RequestTarget } from "../protocol/request-target.ts";
import type { Address, HttpScope, Params, WebsocketScope } from "../protocol/scope.ts";
import { type Forwarded, forwarded, plainAddress, type ProxyTrust } from "./trusted-proxies.ts";

/** What a server knows about all of its requests. */
export interface ScopeSettings {
  readonly rootPath: string;
  readonly trust: ProxyTrust;
  /** The path of the Unix socket, where the server listens on one. */
  readonly unix: string;
}

// Each kind of scope is written as one literal, and has from the beginning what a router sets: all of a kind then have
// one shape, which routers copy in a tenth of the time and half of the memory that it takes otherwise.

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
  const { path, rawPath, rootPath, queryString, client, secure } = readRequest(request, settings);
  return {
    type: "websocket",
    scheme: secure ? "wss" : "ws",
    path,
    rawPath,
    rootPath,
    queryString,
    query: new URLSearchParams(queryString),
    headers: request.headers,
    client,
    server: serverOf(request.socket, settings),
    httpVersion: request.httpVersion,
    params: noParams,
    args: noArgs,
    routing: undefined,
    subprotocols,
  };
}

/**
 * The scope of an HTTP request.
 *
 * @throws MillraceError `ERR_INVALID_PATH`.
 */
export function httpScope(request: IncomingMessage, settings: ScopeSettings): HttpScope {
  const { path, rawPath, rootPath, queryString, client, secure } = readRequest(request, settings);
  return {
    type: "http",
    scheme: secure ? "https" : "http",
    path,
    rawPath,
    rootPath,
    queryString,
    query: new URLSearchParams(queryString),
    headers: request.headers,
    client,
    server: serverOf(request.socket, settings),
    httpVersion: request.httpVersion,
    params: noParams,
    args: noArgs,
    routing: undefined,
    method: (request.method ?? "GET").toUpperCase(),
  };
}

const noParams: Params = Object.freeze({});
const noArgs: readonly string[] = Object.freeze([]);

function readRequest(request: IncomingMessage, { rootPath, trust }: ScopeSettings): RequestTarget & Forwarded {
  const { headers, socket, url = "/" } = request;
  const { path, rawPath, queryString } = parseRequestTarget(checkTarget(url));
  const direct = { client: clientOf(socket), secure: isSecure(socket), rootPath };
  const { client, secure, rootPath: mount } = forwarded(headers, direct, trust);
  return { path, rawPath, rootPath: mount, queryString, client, secure };
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

function serverOf({ localAddress, localPort }: Socket, settings: ScopeSettings): Address {
  return localAddress === undefined
    ? { address: settings.unix, port: 0 }
    : { address: plainAddress(localAddress), port: localPort ?? 0 };
}

function isSecure(socket: Socket): boolean {
  // Only a TLSSocket has the property.
  return (socket as Partial<TLSSocket>).encrypted === true;
}
