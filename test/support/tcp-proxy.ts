import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Which way bytes go: what a client asks, or what its server answers. */
export type Way = "questions" | "answers";

/** Stands between clients and a server of the loopback, and troubles their connections on demand. */
export class TcpProxy implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #swallowed = new Set<Way>();
  #heard: Array<() => void> = [];
  /** Hears of each client that connects. */
  onConnection: () => void = () => {};
  /** Hears of each piece that a client sends. */
  onQuestion: () => void = () => {};
  readonly #clients = new Set<Socket>();
  readonly #abandoned = new WeakSet<Socket>();
  #delay = 0;
  #refuses = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** @param target is the port of the server. */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, proxy.host);
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Resets all clients, and lets the server believe that they are still there, until the proxy ends. */
  abandon(): void {
    for (const client of this.#clients) {
      this.#abandoned.add(client);
      reset(client);
    }
  }

  /** Takes bytes of a way off the line from now on, on old and new connections: they are open, but dead. */
  swallow(...ways: readonly Way[]): void {
    for (const way of ways) this.#swallowed.add(way);
  }

  /** Settles when bytes are taken off the line. */
  swallowed(): Promise<void> {
    return new Promise((resolve) => void this.#heard.push(resolve));
  }

  /** Holds all bytes back for a time, in milliseconds. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** Resets connections as soon as they are made. */
  refuse(): void {
    this.#refuses = true;
  }

  /** Passes everything on again. What was swallowed is lost. */
  heal(): void {
    this.#swallowed.clear();
    this.#delay = 0;
    this.#refuses = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => void this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #serve(client: Socket): void {
    this.onConnection();
    client.on("error", () => {});
    if (this.#refuses) return reset(client);
    const server = connect(this.#target, this.host);
    this.#pass(client, server, "questions");
    this.#pass(server, client, "answers");
  }

  #pass(from: Socket, to: Socket, way: Way): void {
    this.#sockets.add(from);
    if (way === "questions") this.#clients.add(from);
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      if (way === "questions") this.onQuestion();
      if (!this.#swallowed.has(way)) return this.#later(() => void to.write(bytes));
      const heard = this.#heard;
      this.#heard = [];
      for (const hear of heard) hear();
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      this.#clients.delete(from);
      if (!this.#abandoned.has(from)) to.destroy();
    });
  }

  #later(act: () => void): void {
    if (this.#delay === 0) act();
    else setTimeout(act, this.#delay).unref();
  }
}

/** A socket that is being shut down can't be reset any more: Node 20 would leave its handle open for ever. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
