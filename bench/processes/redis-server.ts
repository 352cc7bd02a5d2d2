import { Child } from "./child.ts";
import { freePort } from "./free-port.ts";

/** A Redis of its own for one benchmark: on a free port of the loopback, and without persistence. */
export interface RedisServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** `127.0.0.1:6379`, behind the scheme that names a layer. */
  readonly address: string;
}

export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const parameters = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = await Child.start("redis-server", parameters, { ready: /Ready to accept connections/ });
  return {
    pid: child.pid,
    port,
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
