import { setTimeout as pause } from "node:timers/promises";
import { disposeAll } from "../support/redis-server.ts";
import type { Account, Phase } from "./ledger.ts";
import { RoomClient } from "./room-client.ts";
import { type LayerKind, RoomProcess } from "./room-process.ts";

/** How a site is made. */
export interface SiteOptions {
  /** Each process has a layer of each. */
  readonly kinds: readonly LayerKind[];
  /** The options of each process's layers: one process for each. */
  readonly layers: readonly object[];
  /** Of each kind of layer. */
  readonly rooms: number;
  /** Clients of each process in each room. */
  readonly clientsEach: number;
}

/** How many messages all clients together send in a second. */
const pace = 120;

/** A site of several processes, its clients, and their talk. */
export class Site implements AsyncDisposable {
  readonly clients: RoomClient[] = [];
  readonly phases: Phase[] = [];
  readonly #options: SiteOptions;
  readonly #processes: RoomProcess[] = [];
  readonly #homes = new Map<RoomClient, number>();
  #talking: NodeJS.Timeout | undefined;
  #next = 0;

  private constructor(options: SiteOptions) {
    this.#options = options;
  }

  static async start(options: SiteOptions): Promise<Site> {
    const site = new Site(options);
    try {
      const starting = await Promise.allSettled(options.layers.map((_, index) => site.#start(index)));
      for (const start of starting) if (start.status === "rejected") throw start.reason as Error;
      for (const room of site.#rooms()) {
        for (let client = 0; client < options.clientsEach; client++) {
          for (const index of options.layers.keys()) site.#addClient(room, index);
        }
      }
      await Promise.all(site.clients.map((client) => site.#join(client)));
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
    return site;
  }

  /** A process that now serves. */
  process(index: number): RoomProcess {
    const process = this.#processes[index];
    if (process === undefined) throw new Error(`The site has no process ${index}`);
    return process;
  }

  /** The clients of a process. */
  clientsOf(index: number): readonly RoomClient[] {
    return this.clients.filter((client) => this.#homes.get(client) === index);
  }

  /**
   * Lets clients talk while something happens, and for a moment before and after; then waits until
   * all is settled: everyone knows what became of his messages, and everyone hears everyone.
   *
   * @param happening settles when the site has got over it.
   */
  async during(fault: string, happening: () => Promise<void>): Promise<void> {
    const from = Date.now();
    this.#talk();
    try {
      await pause(500);
      await happening();
      await pause(500);
    } finally {
      clearInterval(this.#talking);
    }
    await this.settled();
    this.phases.push({ fault, from, to: Date.now() });
  }

  /** Settles when all messages are answered, and one more in each room is heard by all of it. */
  async settled(): Promise<void> {
    await until("all are answered", () => this.clients.every(({ unanswered }) => unanswered === 0));
    const rooms = new Map(this.clients.map((client) => [client.room, client]));
    for (const last of rooms.values()) {
      const id = last.send() ?? "";
      const heard = (): boolean =>
        this.clients.every(({ room, stay }) => room !== last.room || stay?.heard.includes(id));
      await until(`all hear ${id}`, heard);
    }
    await until("all are answered", () => this.clients.every(({ unanswered }) => unanswered === 0));
  }

  /** Kills a process, starts another in its place, and lets its clients join again. */
  async replace(index: number): Promise<void> {
    const clients = this.clientsOf(index);
    await this.process(index).kill();
    await until("all sockets are closed", () => clients.every(({ stay }) => stay === undefined));
    await this.#start(index);
    await Promise.all(clients.map((client) => this.#join(client)));
  }

  /** Settles when all layers of processes that were cut off have told of an interval that ends after a time. */
  async recovered(after: number, indexes: Iterable<number> = this.#processes.keys()): Promise<void> {
    for (const index of indexes) {
      const { told } = this.process(index);
      for (const kind of this.#options.kinds) {
        const hasRecovered = (): boolean =>
          told.some(({ layer, until: end }) => layer === `redis+${kind}` && end >= after);
        await until(`${kind} has recovered in process ${index}`, hasRecovered);
      }
    }
  }

  /** All that was sent and heard over one kind of layer. */
  account(kind: LayerKind): Account {
    const { phases } = this;
    const clients = this.clients.filter(({ room }) => room.startsWith(`${kind}/`));
    return {
      phases,
      sent: clients.flatMap(({ sent }) => [...sent.values()]),
      stays: clients.flatMap(({ stays }) => stays),
    };
  }

  /** What was published, and what clients met, that no fault explains. */
  troubles(): readonly string[] {
    return [...this.#processes, ...this.clients].flatMap(({ troubles }) => troubles);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#talking);
    for (const client of this.clients) client.leave();
    await disposeAll(this.#processes.filter((process) => process !== undefined));
  }

  async #start(index: number): Promise<void> {
    const { kinds, layers } = this.#options;
    this.#processes[index] = await RoomProcess.start(kinds, layers[index] ?? {});
  }

  #rooms(): readonly string[] {
    const { kinds, rooms } = this.#options;
    return kinds.flatMap((kind) => Array.from({ length: rooms }, (_, number) => `${kind}/room${number}`));
  }

  #addClient(room: string, index: number): void {
    const client = new RoomClient(`c${this.clients.length}`, room);
    this.clients.push(client);
    this.#homes.set(client, index);
  }

  #join(client: RoomClient): Promise<void> {
    return client.join(this.process(this.#homes.get(client) ?? 0));
  }

  #talk(): void {
    // Step by a prime, so that rooms and processes take turns.
    this.#talking = setInterval(() => this.clients[(this.#next += 37) % this.clients.length]?.send(), 1000 / pace);
  }
}

/** Asks again and again until it is so; not for ever, so that a test that fails ends. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`It has not come true in 40 seconds that ${what}`);
    await pause(20);
  }
}
