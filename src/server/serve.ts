import { createServer, type Server } from "node:http";
import type { ApplicationLike } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import { publish } from "../protocol/diagnostics.ts";
import type { Address } from "../protocol/scope.ts";
import { Attachment } from "./attachment.ts";
import { listen, urlOf } from "./listen.ts";
import { type AttachOptions, checkAttachOptions, checkServeOptions, type ServeOptions } from "./options.ts";

/** An application that is attached to an HTTP server of its own or of somebody else. */
export interface MillraceAttachment extends AsyncDisposable {
  /** Settles when the application's start-up hook has run, and rejects with `ERR_STARTUP_FAILED`. */
  readonly started: Promise<void>;
  /** How many sockets and requests are being served, until their application has ended. */
  readonly connections: number;
  /**
   * Refuses what is new, closes sockets with 1001, waits for applications to end, cuts what is left
   * after `shutdownTimeout`, runs the application's shut-down hook, and lets go of the HTTP server.
   * Calling it again gives the same promise.
   */
  close(): Promise<void>;
}

/** A server that listens. */
export interface MillraceServer extends AsyncDisposable {
  /** Where it listens; for a Unix socket its path, with port 0. */
  readonly address: Address;
  /** Where a program on this machine finds it: `http://127.0.0.1:8000`, or `unix:` and a path. */
  readonly url: string;
  /** How many sockets and requests are being served, until their application has ended. */
  readonly connections: number;
  /**
   * Stops listening, closes sockets with 1001, waits for requests and applications to end, cuts what
   * is left after `shutdownTimeout`, and runs the application's shut-down hook. Calling it again
   * gives the same promise.
   */
  close(): Promise<void>;
}

/** What a server closes last, because it was made for it: a channel layer. */
export type Owned = () => Promise<void>;

/**
 * Puts an application on an HTTP or HTTPS server.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` or `ERR_INVALID_ROUTE`.
 */
export function attachTo(
  server: Server,
  application: ApplicationLike,
  layers: ChannelLayers,
  options: AttachOptions,
  owned: Owned = nothing,
): MillraceAttachment {
  const attachment = new Attachment(server, application, layers, checkAttachOptions(options));
  const close = onlyOnce(async () => {
    const forced = await attachment.end();
    await attachment.stop();
    await owned();
    publish("millrace:server:closed", () => ({ forced }));
  });
  return {
    started: attachment.started,
    get connections() {
      return attachment.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Starts an application and serves it.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`, `ERR_INVALID_ROUTE`, `ERR_STARTUP_FAILED` or
 *   `ERR_LISTEN`; then nothing is left running.
 */
export async function startServer(
  application: ApplicationLike,
  layers: ChannelLayers,
  options: ServeOptions,
  owned: Owned = nothing,
): Promise<MillraceServer> {
  const checked = checkServeOptions(options);
  const server = createServer();
  const attachment = new Attachment(server, application, layers, checked);
  let address: Address;
  try {
    await attachment.started;
    address = await listen(server, checked.listen);
  } catch (error) {
    await attachment.stop();
    throw error;
  }
  publish("millrace:server:listening", () => ({ address }));
  const close = onlyOnce(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    const forced = await attachment.end();
    server.closeAllConnections();
    await closed;
    await attachment.stop();
    await owned();
    publish("millrace:server:closed", () => ({ forced }));
  });
  return {
    address,
    url: urlOf(address, "unix" in checked.listen),
    get connections() {
      return attachment.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function onlyOnce(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}

async function nothing(): Promise<void> {}
