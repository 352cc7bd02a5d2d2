import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { type RedisCount, RedisInfo } from "../measure/redis-info.ts";
import { Child, disposeAll, startAll } from "../processes/child.ts";
import { type RedisServer, startRedis } from "../processes/redis-server.ts";

/** What Redis does for one `groupSend`. */
export interface SendCost {
  readonly commands: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Calls by name, those within scripts among them. */
  readonly calls: Readonly<Record<string, number>>;
}

const program = fileURLToPath(new URL("member-process.js", import.meta.url));

/** A group whose members live in several processes, on a Redis that nobody else uses. */
export class Site implements AsyncDisposable {
  readonly #redis: RedisServer;
  readonly #info: RedisInfo;
  readonly #processes: readonly Child[];
  readonly #members: readonly number[];
  #sent = 0;

  private constructor(redis: RedisServer, info: RedisInfo, processes: readonly Child[], members: readonly number[]) {
    this.#redis = redis;
    this.#info = info;
    this.#processes = processes;
    this.#members = members;
  }

  /**
   * @param layer is the scheme of the layer's URL: `redis+core`.
   * @param members is how many there are in all; they are spread over the processes.
   */
  static async start(layer: string, processes: number, members: number): Promise<Site> {
    const redis = await startRedis();
    const children: Child[] = [];
    try {
      const url = `${layer}://${redis.address}`;
      const starting = Array.from({ length: processes }, () =>
        Child.start(process.execPath, [program, url], { ipc: true }),
      );
      children.push(...(await startAll(starting)));
      const spread = children.map((_, index) => Math.floor((members + index) / processes));
      const site = new Site(redis, await RedisInfo.connect(redis.port), children, spread);
      await Promise.all(children.map((child, index) => child.ask({ do: "join", members: spread[index] })));
      // What is done but once is done: scripts are known, and connections made.
      await site.#send();
      return site;
    } catch (error) {
      await disposeAll([...children, redis]);
      throw error;
    }
  }

  /** The cost of one of so many sends, each of which arrives everywhere before the next. */
  async costOf(sends: number): Promise<SendCost> {
    const before = await this.#info.count();
    const start = performance.now();
    for (let count = 0; count < sends; count++) await this.#send();
    const duration = performance.now() - start;
    const after = await this.#info.count();
    // As long as that, and asked as often: what is done even when nobody sends.
    await pause(duration);
    const idle = await this.#info.count();
    return costBetween(before, after, idle, sends);
  }

  async #send(): Promise<void> {
    this.#sent++;
    const [sender] = this.#processes;
    await sender?.ask({ do: "send" });
    const heard = this.#processes.map((child, index) =>
      child.ask({ do: "heard", messages: this.#sent * (this.#members[index] ?? 0) }),
    );
    await Promise.all(heard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#info[Symbol.dispose]();
    await disposeAll([...this.#processes, this.#redis]);
  }
}

function costBetween(before: RedisCount, after: RedisCount, idle: RedisCount, sends: number): SendCost {
  const per = (read: (count: RedisCount) => number): number =>
    (read(after) - read(before) - (read(idle) - read(after))) / sends;
  const calls: Record<string, number> = {};
  for (const name of idle.calls.keys()) {
    const share = per((count) => count.calls.get(name) ?? 0);
    // Less than that is what happened to fall into the one time and not the other.
    if (Math.abs(share) > 0.2) calls[name] = Math.round(share * 10) / 10;
  }
  return {
    commands: per(({ commands }) => commands),
    bytesIn: per(({ bytesIn }) => bytesIn),
    bytesOut: per(({ bytesOut }) => bytesOut),
    calls,
  };
}
