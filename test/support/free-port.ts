import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port on which nobody listens, below those that the system gives to outgoing connections: a
 * server that is down for a while finds its port free when it comes back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      return port;
    } catch {
      // Somebody has it; another is as good.
    } finally {
      await new Promise((resolve) => void server.close(resolve));
    }
  }
}
