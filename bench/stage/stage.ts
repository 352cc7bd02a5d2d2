import type { CrowdOptions } from "../load/crowd.ts";
import { Load } from "../load/load.ts";
import type { StormOptions, StormOutcome } from "../load/storm.ts";
import type { Outcome, Traffic } from "../load/traffic.ts";
import { disposeAll } from "../processes/child.ts";
import { startRedis } from "../processes/redis-server.ts";
import { type ServerProcesses, type ServerProgram, startServers } from "../processes/servers.ts";

/** What a stage is made of. */
export interface StageOptions {
  readonly programs: readonly ServerProgram[];
  /** Of each server. One keeps to a core of its own; several may have all. @default 1 */
  readonly processes?: number;
  /** Whether a Redis is started, to which all connect. @default false */
  readonly redis?: boolean;
}

/** Who enters, and where: all that the stage does not know itself. */
export type Entrance = Omit<CrowdOptions, "ports" | "serverPids" | "redisPids" | "path" | "dialect"> & {
  /** @default a room of its own for each server, because those on one Redis would share it */
  readonly path?: string;
  /** @default the server's */
  readonly dialect?: CrowdOptions["dialect"];
};

/** One server, and those who put load on it. */
interface Place {
  readonly servers: ServerProcesses;
  readonly load: Load;
}

/** Several servers, on one Redis if they need one, and a load generator for each, which all share a core. */
export class Stage implements AsyncDisposable {
  readonly #places: ReadonlyMap<string, Place>;
  readonly #redisPids: readonly number[];
  readonly #owned: readonly AsyncDisposable[];

  private constructor(places: ReadonlyMap<string, Place>, redisPids: readonly number[], owned: AsyncDisposable[]) {
    this.#places = places;
    this.#redisPids = redisPids;
    this.#owned = owned;
  }

  static async set({ programs, processes = 1, redis: needsRedis = false }: StageOptions): Promise<Stage> {
    const owned: AsyncDisposable[] = [];
    const own = async <Part extends AsyncDisposable>(starting: Promise<Part>): Promise<Part> => {
      const part = await starting;
      owned.push(part);
      return part;
    };
    try {
      const redis = needsRedis ? await own(startRedis()) : undefined;
      const start = async (program: ServerProgram): Promise<readonly [string, Place]> => {
        const layer = program.layer ?? "redis+pubsub";
        const layerUrl = redis === undefined ? "memory:" : `${layer}://${redis.address}`;
        const starting = startServers(program, { layerUrl, count: processes, pin: processes === 1 });
        const [servers, load] = await allOf([own(starting), own(Load.start())] as const);
        return [program.name, { servers, load }];
      };
      const places = new Map(await allOf(programs.map(start)));
      return new Stage(places, redis === undefined ? [] : [redis.pid], owned);
    } catch (error) {
      await disposeAll(owned);
      throw error;
    }
  }

  /** Lets clients enter, whom others call by a name. */
  async enter({ name, dialect, marks }: ServerProgram, crowd: string, entrance: Entrance): Promise<void> {
    const { load, servers } = this.#place(name);
    await load.enter(crowd, {
      path: `/rooms/${name}/${crowd}`.replaceAll(" ", "-"),
      dialect,
      marked: marks,
      ...entrance,
      ports: servers.ports,
      serverPids: servers.pids,
      redisPids: this.#redisPids,
    });
  }

  run({ name }: ServerProgram, crowd: string, traffic: Traffic): Promise<Outcome> {
    return this.#place(name).load.run(crowd, traffic);
  }

  /** Lets many clients in as fast as it goes, and cuts them. */
  storm(
    { name, dialect }: ServerProgram,
    storm: Pick<StormOptions, "path" | "clients" | "atOnce">,
  ): Promise<StormOutcome> {
    const { load, servers } = this.#place(name);
    return load.storm({ ...storm, dialect, port: servers.ports[0] ?? 0, serverPids: servers.pids });
  }

  async leave({ name }: ServerProgram, crowd: string): Promise<void> {
    await this.#place(name).load.leave(crowd);
  }

  /** Cuts all connections to a server, and lets it end by itself. */
  async stop({ name }: ServerProgram): Promise<void> {
    const { load, servers } = this.#place(name);
    await load[Symbol.asyncDispose]();
    await servers.stop();
  }

  /** The process that serves; the first of them if there are several. */
  pid({ name }: ServerProgram): number {
    return this.#place(name).servers.pids[0] ?? Number.NaN;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return disposeAll(this.#owned);
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`${name} is not on the stage`);
    return place;
  }
}

/** As `Promise.all`, but for that nothing is still being started when it rejects. */
async function allOf<const Parts extends ReadonlyArray<Promise<unknown>>>(
  parts: Parts,
): Promise<{ -readonly [Index in keyof Parts]: Awaited<Parts[Index]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}
