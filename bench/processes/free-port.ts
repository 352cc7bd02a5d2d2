import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A port of the loopback on which nobody listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server on a port has an address of this shape.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}
