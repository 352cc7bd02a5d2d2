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
    const own = async <Part extends AsyncDisposable>(starting: Promise<Part>): Promise<Part> => {
      const part = await starting;
      owned.push(part);
      return part;
    };
    try {
      const redis = await own(startRedis());
      const url = `${layer}://${redis.address}`;
      const [load, ...servers] = await allOf([
        own(Load.start()),
        ...programs.map((program) => own(startServers(program, processes, url))),
      ] as const);
      for (const [index, { ports, pids }] of servers.entries()) {
        const name = programs[index]?.name ?? "";
        const path = `/rooms/${name}`;
        await load.enter(name, { ports, path, clients, serverPids: pids, redisPids: [redis.pid] });
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

/** As `Promise.all`, but for that nothing is still being started when it rejects. */
async function allOf<const Parts extends ReadonlyArray<Promise<unknown>>>(
  parts: Parts,
): Promise<{ -readonly [Index in keyof Parts]: Awaited<Parts[Index]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}
