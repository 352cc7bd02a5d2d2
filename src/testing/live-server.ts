import type { ApplicationLike } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import type { ServeOptions } from "../server/options.ts";
import { startServer } from "../server/serve.ts";
import { layersOf, type RequestOptions } from "./test-scope.ts";

/** What a live server may be told: as `serve`, but it chooses its port. */
export type LiveServerOptions = Omit<ServeOptions, "layers" | "port" | "host" | "unix"> &
  Pick<RequestOptions, "layers">;

/** A server for a test, on a free port of this machine. */
export interface LiveServer extends AsyncDisposable {
  /** `http://127.0.0.1:` and the port. */
  readonly url: string;
  /** `ws://127.0.0.1:` and the port. */
  readonly websocketUrl: string;
  readonly port: number;
  readonly layers: ChannelLayers;
  /** How many sockets and requests are being served, until their application has ended. */
  readonly connections: number;
  /** @see MillraceServer.close */
  close(): Promise<void>;
}

/**
 * Serves an application on a free port, for tests with real clients and browsers. Its layers are
 * its own unless some are given, and end with it only then.
 *
 * @throws MillraceError as `serve` does.
 * @example
 * ```ts
 * await using server = await liveServer(application);
 * const page = await fetch(`${server.url}/`);
 * ```
 */
export async function liveServer(application: ApplicationLike, options: LiveServerOptions = {}): Promise<LiveServer> {
  const { layers: given, ...serveOptions } = options;
  const layers = layersOf(options);
  const own = given === undefined ? () => layers.get().close() : undefined;
  const server = await startServer(application, layers, { ...serveOptions, port: 0 }, own);
  return {
    url: server.url,
    websocketUrl: server.url.replace("http:", "ws:"),
    port: server.address.port,
    layers,
    get connections() {
      return server.connections;
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}
