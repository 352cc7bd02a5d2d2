import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ApplicationLike, toApplication } from "../protocol/application.ts";
import { type ChannelLayers, installChannelLayers } from "../protocol/channel-layers.ts";
import { publish } from "../protocol/diagnostics.ts";
import { toError } from "../protocol/errors.ts";
import type { Hosting } from "./hosting.ts";
import { HttpExchange } from "./http.ts";
import { Lifespan } from "./lifespan.ts";
import type { CheckedOptions } from "./options.ts";
import { isAnswering } from "./queued-responses.ts";
import { LastWords, rawResponse } from "./raw-response.ts";
import { type Refusal, statusText } from "./refusal.ts";
import { httpScope, websocketScope } from "./request-scope.ts";
import { Sessions } from "./sessions.ts";
import { proxyTrust } from "./trusted-proxies.ts";
import { checkUpgrade, wantsWebsocket } from "./upgrade-rules.ts";
import { Upgrader } from "./upgrader.ts";
import { WebsocketConnection } from "./websocket.ts";

/**
 * An application on an HTTP server: it takes the server's upgrades, and its requests if nobody else
 * does. Whatever comes before the application's start-up hook has run waits for it.
 */
export class Attachment {
  /** Settles when the application has started. */
  readonly started: Promise<void>;
  readonly #server: Server;
  readonly #hosting: Hosting;
  readonly #installed: Disposable;
  #lifespan: Lifespan | undefined;
  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    // Node hands over the socket of the connection, which is one of node:net or node:tls.
    this.#upgrade(request, socket as Socket, head);
  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#request(request, response);

  constructor(server: Server, target: ApplicationLike, layers: ChannelLayers, options: CheckedOptions) {
    const application = toApplication(target);
    this.#server = server;
    this.#hosting = {
      application: (connection) =>
        this.#lifespan === undefined ? this.started.then(() => application(connection)) : application(connection),
      layers,
      options,
      scopes: {
        rootPath: options.rootPath,
        trust: proxyTrust(options.trustedProxies) ?? (() => false),
        get unix() {
          const address = server.address();
          return typeof address === "string" ? address : "";
        },
      },
      sessions: new Sessions(),
      upgrader: new Upgrader(options),
    };
    this.#installed = installChannelLayers(layers);
    this.started = Lifespan.start(application, layers).then((lifespan) => {
      this.#lifespan = lifespan;
    });
    if (server.listenerCount("request") === 0) server.on("request", this.#onRequest);
    server.on("upgrade", this.#onUpgrade);
  }

  /** How many sockets and requests are being served, until their application has ended. */
  get connections(): number {
    return this.#hosting.sessions.size;
  }

  /** Refuses what is new, and waits until the rest has ended. Returns how many had to be cut. */
  async end(): Promise<number> {
    const { sessions, options } = this.#hosting;
    return sessions.end(options.shutdownTimeout);
  }

  /** Lets go of the server and stops the application, which has as long to start, if it has not yet, as to stop. */
  async stop(): Promise<void> {
    this.#server.off("upgrade", this.#onUpgrade);
    this.#server.off("request", this.#onRequest);
    const { shutdownTimeout } = this.#hosting.options;
    // Whoever awaits `started` hears why the application did not start.
    const stopped = this.started.then(
      () => this.#lifespan?.stop(shutdownTimeout),
      () => {},
    );
    if (this.#lifespan === undefined) await atMost(shutdownTimeout, this.started);
    if (this.#lifespan !== undefined) await stopped;
    this.#installed[Symbol.dispose]();
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const shared = this.#server.listenerCount("upgrade") > 1;
    const { sessions, scopes, options } = this.#hosting;
    if (shared && (sessions.stopping || !wantsWebsocket(request))) return;
    if (isAnswering(socket)) return this.#cut(request, socket);
    const check = checkUpgrade(request, options.compression !== undefined);
    if ("refusal" in check) return this.#refuse(request, socket, check.refusal);
    if (sessions.stopping) return this.#refuse(request, socket, stopping);
    try {
      const scope = websocketScope(request, check.subprotocols, scopes);
      return new WebsocketConnection(scope, this.#hosting, { request, socket, head, shared }).start();
    } catch (error) {
      return this.#refuse(request, socket, badTarget(error));
    }
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { sessions, scopes } = this.#hosting;
    if (sessions.stopping) return respond(response, stopping);
    try {
      return new HttpExchange(httpScope(request, scopes), this.#hosting, request, response).start();
    } catch (error) {
      return respond(response, badTarget(error));
    }
  }

  #refuse(request: IncomingMessage, socket: Socket, refusal: Refusal): void {
    const { sessions, options } = this.#hosting;
    new LastWords(socket, rawResponse(refusal), options.closeTimeout, sessions);
    publishRefused(request, refusal.status, refusal.reason);
  }

  /** Whatever it were answered with, the response to the request before it would come in between. */
  #cut(request: IncomingMessage, socket: Socket): void {
    socket.destroy();
    publishRefused(request, 0, "a request before it on the same connection has no response yet");
  }
}

function publishRefused({ url = "" }: IncomingMessage, status: number, reason: string): void {
  // Without the query, which may hold a secret.
  const [path = ""] = url.split("?", 1);
  publish("millrace:websocket:refused", () => ({ path, status, reason }));
}

/** Waits until something has settled, but only for so many milliseconds. */
async function atMost(milliseconds: number, settling: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([settling.catch(() => {}), over]);
  clearTimeout(timer);
}

const stopping: Refusal = { status: 503, reason: "the server is stopping" };

/** Nothing but the request's target is wrong when its scope can't be made. */
function badTarget(error: unknown): Refusal {
  return { status: 400, reason: toError(error).message };
}

function respond(response: ServerResponse, { status }: Refusal): void {
  const body = statusText(status);
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}
