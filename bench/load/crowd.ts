import { setTimeout as pause } from "node:timers/promises";
import { processorTime } from "../measure/processor-time.ts";
import { type ClientOwner, LoadClient } from "./client.ts";
import { type DialectName, dialects } from "./dialect.ts";
import { Echoes } from "./echoes.ts";
import { Rooms } from "./rooms.ts";
import type { Outcome, Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

/** Where clients go, and whose processor time is of interest. */
export interface CrowdOptions {
  /** The clients are spread over them. */
  readonly ports: readonly number[];
  readonly path: string;
  readonly clients: number;
  readonly serverPids: readonly number[];
  readonly redisPids: readonly number[];
  /** @default "plain" */
  readonly dialect?: DialectName | undefined;
  /** Whether one of them, anyone, asks the server to rewrite what it gets. @default false */
  readonly marked?: boolean | undefined;
  /** What the clients offer of extensions. */
  readonly extensions?: string | undefined;
  /** Over how many rooms they are spread, of which each has a path of its own below. @default 1 */
  readonly rooms?: number | undefined;
  /** How many of them stop reading as soon as all are in. @default 0 */
  readonly stalled?: number | undefined;
}

/** How many clients connect at once. */
const atOnce = 32;
/** How many connections one address makes. */
const perAddress = 20_000;
/** For how long what was sent may take to arrive, in milliseconds. */
const patience = 60_000;

/** Clients at one path of a server. */
export class Crowd implements ClientOwner {
  readonly #options: CrowdOptions;
  readonly #clients: LoadClient[] = [];
  readonly #stalled = new Set<LoadClient>();
  #work: Work | undefined;
  #failed: (error: Error) => void = () => {};
  #failure: Error | undefined;

  private constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Settles when all are in. */
  static async enter(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    await new Promise<void>((resolve, reject) => {
      crowd.#failed = reject;
      crowd.#connectAll().then(resolve, reject);
    });
    for (const client of crowd.#clients.slice(0, options.stalled ?? 0)) {
      crowd.#stalled.add(client);
      client.stall();
    }
    return crowd;
  }

  /** Settles when all that was sent has arrived at all. */
  async run(traffic: Traffic): Promise<Outcome> {
    const dialect = dialects[this.#options.dialect ?? "plain"];
    const active = this.#clients.filter((client) => !this.#stalled.has(client));
    const work =
      traffic.kind === "echo"
        ? new Echoes(active, dialect, traffic)
        : new Rooms(active, this.#options.rooms ?? 1, dialect, traffic);
    const { serverPids, redisPids } = this.#options;
    const [server, redis, own] = [processorTime(serverPids), processorTime(redisPids), process.cpuUsage()];
    const start = performance.now();
    await this.#let(work, traffic.seconds);
    const { user, system } = process.cpuUsage(own);
    return {
      messages: work.sent,
      deliveries: work.deliveries,
      compressed: work.compressed,
      seconds: (performance.now() - start) / 1000,
      serverTime: processorTime(serverPids) - server,
      redisTime: processorTime(redisPids) - redis,
      loadTime: user + system,
      latencies: work.latencies.toJSON(),
    };
  }

  leave(): void {
    for (const client of this.#clients) client.close();
  }

  reading(): void {
    this.#work?.reading();
  }

  received(client: LoadClient, bytes: Buffer, start: number, end: number, compressed: boolean): void {
    if (this.#work === undefined) this.#fail(new Error("A client got what nobody had sent"));
    else this.#work.received(client, bytes, start, end, compressed);
  }

  read(client: LoadClient): void {
    this.#work?.read(client);
  }

  lost(client: LoadClient, reason: string): void {
    // A server may have enough of those who do not read.
    if (!this.#stalled.has(client)) this.#fail(new Error(`A client of ${this.#options.path} was lost: ${reason}`));
  }

  async #let(work: Work, seconds: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const lost = new Promise<never>((_, reject) => (this.#failed = reject));
    const ended = new AbortController();
    const late = pause(seconds * 1000 + patience, undefined, { signal: ended.signal }).then(() => {
      throw new Error(work.missing);
    });
    this.#work = work;
    try {
      await Promise.race([work.run(), lost, late]);
    } finally {
      this.#work = undefined;
      ended.abort();
    }
  }

  async #connectAll(): Promise<void> {
    const { clients } = this.#options;
    const marked = this.#options.marked === true ? Math.floor(Math.random() * clients) : -1;
    while (this.#clients.length < clients) {
      const connecting: Promise<LoadClient>[] = [];
      for (let at = this.#clients.length; at < clients && connecting.length < atOnce; at++) {
        connecting.push(this.#connect(at, at === marked));
      }
      this.#clients.push(...(await Promise.all(connecting)));
    }
  }

  #connect(index: number, marked: boolean): Promise<LoadClient> {
    const { ports, dialect, extensions, clients, rooms } = this.#options;
    const path = rooms === undefined ? this.#options.path : `${this.#options.path}/${index % rooms}`;
    const target = {
      port: ports[index % ports.length] ?? 0,
      path: marked ? `${path}?mark` : path,
      dialect: dialects[dialect ?? "plain"],
      from: clients > perAddress ? `127.0.0.${2 + Math.floor(index / perAddress)}` : undefined,
      extensions,
      index,
      marked,
    };
    return LoadClient.connect(target, this);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#failed(error);
  }
}
