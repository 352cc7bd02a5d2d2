import type { Outcome, Traffic } from "../load/crowd.ts";
import { Load } from "../load/load.ts";
import { disposeAll } from "../processes/child.ts";
import { startRedis } from "../processes/redis-server.ts";
import { type ServerProgram, startServers } from "../processes/servers.ts";

/**
 * Several servers on one Redis, each with a room full of clients, and the load generator that they
 * belong to. The rooms have names of their own, because the servers would share them.
 */
export class Stage implements AsyncDisposable {
  readonly #load: Load;
  readonly #owned: readonly AsyncDisposable[];

  private constructor(load: Load, owned: readonly AsyncDisposable[]) {
    this.#load = load;
    this.#owned = owned;
  }

  /** @param layer is the scheme of the layer's URL: `redis+core`. */
  static async set(
    programs: readonly ServerProgram[],
    layer: string,
    processes: number,
    clients: number,
  ): Promise<Stage> {
    const owned: AsyncDisposable[] = [];
    try {
      const redis = await startRedis();
      owned.push(redis);
      const load = await Load.start();
      owned.push(load);
      for (const program of programs) {
        const servers = await startServers(program, processes, `${layer}://${redis.address}`);
        owned.push(servers);
        const path = `/rooms/${program.name}`;
        const pids = { serverPids: servers.pids, redisPids: [redis.pid] };
        await load.enter(program.name, { ports: servers.ports, path, clients, ...pids });
      }
      return new Stage(load, owned);
    } catch (error) {
      await disposeAll(owned);
      throw error;
    }
  }

  run(program: ServerProgram, traffic: Traffic): Promise<Outcome> {
    return this.#load.run(program.name, traffic);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return disposeAll(this.#owned);
  }
}
