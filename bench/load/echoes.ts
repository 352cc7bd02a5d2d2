import { Latencies } from "../measure/latencies.ts";
import type { LoadClient } from "./client.ts";
import { Content } from "./content.ts";
import type { Dialect } from "./dialect.ts";
import { pace } from "./pace.ts";
import type { Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

/** What one client has on its way. */
interface Echoing {
  readonly client: LoadClient;
  sent: number;
  /** When each message was sent, by its number modulo their number. */
  readonly sentAt: Float64Array;
  /** How many have come back of one reading. */
  came: number;
}

/** How many messages of a client can be told apart while they are on their way. */
const remembered = 1024;

/** Clients that each get back what they send, in its order. */
export class Echoes implements Work {
  readonly #clients: readonly Echoing[];
  readonly #byIndex: Echoing[] = [];
  readonly #traffic: Traffic;
  readonly #content: Content;
  readonly #frames: readonly Buffer[];
  readonly latencies = new Latencies();
  readonly compressed = 0;
  deliveries = 0;
  #now = 0;
  #end = 0;
  #paced = false;
  #came = (): void => {};

  constructor(clients: readonly LoadClient[], dialect: Dialect, traffic: Traffic) {
    this.#clients = clients.map((client) => ({ client, sent: 0, sentAt: new Float64Array(remembered), came: 0 }));
    for (const echoing of this.#clients) {
      echoing.client.messages = 0;
      this.#byIndex[echoing.client.index] = echoing;
    }
    this.#traffic = traffic;
    this.#content = new Content(dialect, traffic.size);
    // Message n of a client is the frame of n modulo twice the window: in a row, so that several are one write.
    const period = traffic.window * 2;
    this.#frames = Array.from({ length: period }, (_, number) => this.#content.frame(number));
  }

  get sent(): number {
    return this.#clients.reduce((sum, { sent }) => sum + sent, 0);
  }

  get missing(): string {
    return `${this.sent - this.deliveries} of ${this.sent} messages have not come back`;
  }

  async run(): Promise<void> {
    const { seconds, window, rate } = this.#traffic;
    this.#end = performance.now() + seconds * 1000;
    this.#paced = rate !== undefined;
    if (rate === undefined) {
      for (const echoing of this.#clients) this.#send(echoing, window, performance.now());
      await this.#all();
      return;
    }
    let next = 0;
    await pace(rate, seconds, async (due) => {
      const echoing = this.#clients[next++ % this.#clients.length];
      if (echoing === undefined) return;
      const blocked = echoing.sent - echoing.client.messages >= window;
      while (echoing.sent - echoing.client.messages >= window) await this.#echo();
      // The time that a message had to wait for others is part of its latency.
      this.#send(echoing, 1, blocked ? due : performance.now());
    });
    await this.#all();
  }

  reading(): void {
    this.#now = performance.now();
  }

  received(client: LoadClient, bytes: Buffer, start: number, end: number): void {
    const echoing = this.#byIndex[client.index];
    if (echoing === undefined) throw new Error("A stranger was answered");
    const number = this.#content.numberOf(client, bytes, start, end);
    if (number !== client.messages % this.#frames.length) throw new Error("Echoes came in another order");
    this.deliveries++;
    this.latencies.add(this.#now - (echoing.sentAt[client.messages++ % remembered] ?? 0));
    echoing.came++;
  }

  read(client: LoadClient): void {
    const echoing = this.#byIndex[client.index];
    if (echoing === undefined || echoing.came === 0) return;
    const { came } = echoing;
    echoing.came = 0;
    if (!this.#paced && this.#now < this.#end) this.#send(echoing, came, this.#now);
    this.#came();
  }

  #send(echoing: Echoing, count: number, since: number): void {
    const frames: Buffer[] = [];
    for (let made = 0; made < count; made++) {
      frames.push(this.#frames[echoing.sent % this.#frames.length] as Buffer);
      echoing.sentAt[echoing.sent++ % remembered] = since;
    }
    echoing.client.send(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames));
  }

  #echo(): Promise<void> {
    return new Promise((resolve) => (this.#came = resolve));
  }

  async #all(): Promise<void> {
    while (performance.now() < this.#end || this.deliveries < this.sent) await this.#echo();
  }
}
