import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client of one TCP connection that writes bytes, and reads until it has enough. */
export class RawClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => (this.#received = Buffer.concat([this.#received, chunk])));
    // A server that cuts the connection is what some tests are about.
    socket.on("error", () => {});
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.setNoDelay(true);
    return new RawClient(socket);
  }

  /** Writes bytes, and settles when they have left this process. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** The next bytes, so many of them. */
  async read(length: number): Promise<Buffer> {
    while (this.#received.length < length) await once(this.#socket, "data");
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** The next bytes up to a mark, with it. */
  async readTo(mark: string): Promise<string> {
    while (!this.#received.includes(mark)) await once(this.#socket, "data");
    return (await this.read(this.#received.indexOf(mark) + mark.length)).toString();
  }

  /** Settles when the server has ended the connection. */
  async ended(): Promise<true> {
    if (!this.#socket.closed) await once(this.#socket, "close");
    return true;
  }

  /** All that comes until the server has ended the connection. */
  async readAll(): Promise<string> {
    await this.ended();
    return this.#received.toString();
  }

  end(): void {
    this.#socket.destroy();
  }
}
