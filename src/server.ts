import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import { InMemoryChannelLayer } from "./layers/in-memory.ts";
import type { ApplicationLike } from "./protocol/application.ts";
import { ChannelLayers } from "./protocol/channel-layers.ts";
import { type AttachOptions, checkAttachOptions, checkServeOptions, type ServeOptions } from "./server/options.ts";
import { attachTo, type MillraceAttachment, type MillraceServer, startServer } from "./server/serve.ts";

export type { AttachOptions, CompressionOptions, OutboundOptions, ServeOptions, WhenFull } from "./server/options.ts";
export type { MillraceAttachment, MillraceServer } from "./server/serve.ts";

/**
 * Starts an application and serves it, WebSockets and HTTP requests alike. Layers that are given
 * stay their owner's to close; the one that is made when none is given ends with the server.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`, `ERR_INVALID_ROUTE`, `ERR_STARTUP_FAILED` or
 *   `ERR_LISTEN`; then nothing is left running.
 * @example
 * ```ts
 * const server = await serve(application, { port: 8000 });
 * process.once("SIGTERM", () => server.close());
 * ```
 */
export async function serve(application: ApplicationLike, options: ServeOptions = {}): Promise<MillraceServer> {
  checkServeOptions(options);
  const { layers, close } = layersFor(options);
  try {
    return await startServer(application, layers, options, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Puts an application on an HTTP or HTTPS server of your own. It takes every upgrade, but leaves
 * one that no route matches to another listener if there is one; it takes requests if the server
 * has no listener for them. Closing it does not close the server.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` or `ERR_INVALID_ROUTE`.
 */
export function attach(
  server: Server | SecureServer,
  application: ApplicationLike,
  options: AttachOptions = {},
): MillraceAttachment {
  checkAttachOptions(options);
  const { layers, close } = layersFor(options);
  return attachTo(server, application, layers, options, close);
}

function layersFor({ layers }: AttachOptions): { layers: ChannelLayers; close: () => Promise<void> } {
  if (layers !== undefined) return { layers: new ChannelLayers(layers), close: async () => {} };
  const own = new InMemoryChannelLayer();
  return { layers: new ChannelLayers({ default: own }), close: () => own.close() };
}
