import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { HttpConsumer } from "millrace";
import { websocketByHand } from "./by-hand.ts";

/** Runs the WebSocket by hand beside the application, for as long as that runs. */
export class ByHandProgram {
  #server: Server | undefined;
  readonly #connections = new Set<Socket>();
  /** Where it listens, or why it does not. */
  status: { readonly port: number } | { readonly problem: string } = { problem: "It has not been started." };

  /** Settles when it listens or can't; a port that is taken is no reason for the rest not to start. */
  async start(port: number): Promise<void> {
    if (this.#server !== undefined) return;
    const server = websocketByHand();
    server.on("connection", (connection) => {
      this.#connections.add(connection);
      connection.on("close", () => this.#connections.delete(connection));
    });
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    } catch (error) {
      this.status = { problem: reason(error, port) };
      return;
    }
    this.#server = server;
    // A server that listens on a port has an address with that port.
    this.status = { port: (server.address() as AddressInfo).port };
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.status = { problem: "It has been stopped." };
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }
}

/** Tells the page where the program listens. */
export class ByHandStatusConsumer extends HttpConsumer {
  program = new ByHandProgram();

  override handle() {
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    this.sendResponse(200, JSON.stringify(this.program.status), headers);
  }
}

function reason(error: unknown, port: number): string {
  const taken = typeof error === "object" && error !== null && "code" in error && error.code === "EADDRINUSE";
  return taken ? `Port ${port} is taken by another program.` : `Port ${port} can't be used: ${String(error)}`;
}
