import { ChannelLayers, type Outgoing, type Scope, TransportConnection } from "millrace";
import type { HttpScope, WebsocketScope } from "millrace";

/** A connection without a transport, which keeps what an application sends. */
export class RecordingConnection<S extends Scope = Scope> extends TransportConnection<S> {
  readonly sent: Outgoing[] = [];

  constructor(scope: S, layers: ChannelLayers = new ChannelLayers()) {
    super(scope, layers);
  }

  send(event: Outgoing): boolean {
    this.sent.push(event);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }
}

const request = {
  queryString: "",
  query: new URLSearchParams(),
  headers: {},
  client: { address: "127.0.0.1", port: 50_000 },
  server: { address: "127.0.0.1", port: 8000 },
  httpVersion: "1.1",
  params: {},
  args: [],
};

/** The scope of a socket to a path, which is percent-encoded as a client sends it. */
export function websocketScope(rawPath: string, rootPath = ""): WebsocketScope {
  return { ...request, type: "websocket", scheme: "ws", path: rawPath, rawPath, rootPath, subprotocols: [] };
}

/** The scope of a GET. */
export function httpScope(rawPath: string, rootPath = ""): HttpScope {
  return { ...request, type: "http", scheme: "http", path: rawPath, rawPath, rootPath, method: "GET" };
}
