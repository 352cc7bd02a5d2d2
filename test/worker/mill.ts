import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll } from "@jest/globals";
import { type ApplicationLike, ChannelNameRouter, Consumer, type LayerMessage, ProtocolTypeRouter } from "millrace";
import {
  RedisChannelLayer,
  type RedisChannelLayerOptions,
  RedisPubSubChannelLayer,
  type RedisPubSubChannelLayerOptions,
} from "millrace/redis";
import { JobQueue, type MillraceWorker, runWorker, type WorkerOptions } from "millrace/worker";
import { RedisServer } from "../support/redis-server.ts";

export type LayerKind = "redis+pubsub" | "redis+core";
export const layerKinds: readonly LayerKind[] = ["redis+pubsub", "redis+core"];

type AnyLayer = RedisPubSubChannelLayer | RedisChannelLayer;

/** Waits until it is so; the test's own time limit bounds the wait. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5);
}

/** Layers, workers and the jobs of one site on a Redis of its own, all of which end with the test. */
export class Mill {
  readonly kind: LayerKind;
  prefix = "";
  readonly servers: RedisServer[] = [];
  readonly #open: AsyncDisposable[] = [];

  constructor(kind: LayerKind, hosts = 1) {
    this.kind = kind;
    beforeAll(async () => {
      for (let count = 0; count < hosts; count++) this.servers.push(await RedisServer.start());
    });
    afterEach(async () => {
      // The newest first: workers before their layers.
      for (const open of this.#open.splice(0).toReversed()) await open[Symbol.asyncDispose]();
      this.prefix = "";
    });
    afterAll(async () => {
      for (const server of this.servers) await server[Symbol.asyncDispose]();
    });
  }

  get server(): RedisServer {
    const [server] = this.servers;
    if (server === undefined) throw new Error("The mill has no server yet");
    return server;
  }

  /** One process of the site. */
  layer(options: RedisPubSubChannelLayerOptions & RedisChannelLayerOptions = {}): AnyLayer {
    if (this.prefix === "") this.prefix = `t${randomBytes(4).toString("hex")}.`;
    const all = { hosts: this.servers.map(({ url }) => url), prefix: this.prefix, ...options };
    const layer = this.kind === "redis+core" ? new RedisChannelLayer(all) : new RedisPubSubChannelLayer(all);
    this.#open.push(layer);
    return layer;
  }

  /** A worker, quick to retry; it serves the channel `jobs` unless it is told others. */
  async worker(application: ApplicationLike, options: Partial<WorkerOptions> = {}): Promise<MillraceWorker> {
    const layers = options.layers ?? { default: this.layer() };
    const all = { channels: ["jobs"], retryDelay: 10, maxRetryDelay: 50, ...options, layers };
    const worker = await runWorker(application, all);
    this.#open.push(worker);
    return worker;
  }

  jobs(channel = "jobs"): JobQueue {
    const queue = new JobQueue(this.layer(), channel);
    this.#open.push(queue);
    return queue;
  }

  /** The keys that are left, the right of the bridge left out, which goes by itself. */
  async keys(): Promise<readonly string[]> {
    const keys: string[] = [];
    for (const server of this.servers) keys.push(...((await server.command("KEYS", `${this.prefix}*`)) as string[]));
    return keys.filter((key) => !key.endsWith(":bridge")).toSorted();
  }
}

/** An application whose channels call a function with each message. */
export function working(
  work: (message: LayerMessage) => unknown,
  channels: readonly string[] = ["jobs"],
): ApplicationLike {
  class Worker extends Consumer {
    async job_run(message: LayerMessage): Promise<void> {
      await work(message);
    }
  }
  const routes = Object.fromEntries(channels.map((channel) => [channel, Worker]));
  return ProtocolTypeRouter({ channel: ChannelNameRouter(routes) });
}

/** A job of a number. */
export function job(number: number): LayerMessage {
  return { type: "job.run", number };
}
