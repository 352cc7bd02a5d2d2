import { setTimeout as pause } from "node:timers/promises";
import { Latencies } from "../measure/latencies.ts";
import { processorTime } from "../measure/processor-time.ts";
import { LoadClient } from "./client.ts";
import { maskedFrame, opcodes } from "./frames.ts";

/** Where the members of a room are, and whose processor time is of interest. */
export interface CrowdOptions {
  /** The clients are spread over them. */
  readonly ports: readonly number[];
  readonly path: string;
  readonly clients: number;
  readonly serverPids: readonly number[];
  readonly redisPids: readonly number[];
}

/** What is sent to the room, each message by the next member. */
export interface Traffic {
  readonly seconds: number;
  /** Of a message, in bytes. */
  readonly size: number;
  /** How many messages may be on their way at once. */
  readonly window: number;
  /** Messages a second; without it the next is sent as soon as the window lets it. */
  readonly rate?: number | undefined;
}

/** What came of it. Times of processors are in microseconds. */
export interface Outcome {
  readonly messages: number;
  /** Counted where they arrived. */
  readonly deliveries: number;
  readonly seconds: number;
  readonly serverTime: number;
  readonly redisTime: number;
  /** Of the load generator itself. */
  readonly loadTime: number;
  /** From the moment in which a message was sent to its arrival at each member, as `Latencies` has them. */
  readonly latencies: readonly number[];
}

/** How many messages can be told apart while they are on their way. */
const remembered = 4096;
/** The digits that number a message, at its start. */
const digits = 10;
/** How many clients connect at once. */
const atOnce = 32;
/** For how long what was sent may take to arrive, in milliseconds. */
const patience = 60_000;

/** Clients in one room, each of which sends in its turn and receives what all send. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #clients: LoadClient[] = [];
  readonly #sentAt = new Float64Array(remembered);
  readonly #missing = new Int32Array(remembered);
  #latencies = new Latencies();
  #sent = 0;
  #arrived = 0;
  #deliveries = 0;
  #messageArrived = (): void => {};
  #failed: (error: Error) => void = () => {};
  #failure: Error | undefined;

  private constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Settles when all are in the room. */
  static async enter(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    await new Promise<void>((resolve, reject) => {
      crowd.#failed = reject;
      crowd.#connectAll().then(resolve, reject);
    });
    return crowd;
  }

  /** Sends for a while, and settles when all that was sent has arrived at all. */
  async run(traffic: Traffic): Promise<Outcome> {
    this.#latencies = new Latencies();
    const [sent, deliveries] = [this.#sent, this.#deliveries];
    const { serverPids, redisPids } = this.#options;
    const [server, redis, own] = [processorTime(serverPids), processorTime(redisPids), process.cpuUsage()];
    const start = performance.now();
    await this.#send(traffic);
    const { user, system } = process.cpuUsage(own);
    return {
      messages: this.#sent - sent,
      deliveries: this.#deliveries - deliveries,
      seconds: (performance.now() - start) / 1000,
      serverTime: processorTime(serverPids) - server,
      redisTime: processorTime(redisPids) - redis,
      loadTime: user + system,
      latencies: this.#latencies.toJSON(),
    };
  }

  leave(): void {
    for (const client of this.#clients) client.close();
  }

  async #connectAll(): Promise<void> {
    const { ports, path, clients } = this.#options;
    const owner = {
      received: (bytes: Buffer, start: number) => this.#received(bytes, start),
      lost: (reason: string) => this.#fail(new Error(`A client of ${path} was lost: ${reason}`)),
    };
    while (this.#clients.length < clients) {
      const connecting: Promise<LoadClient>[] = [];
      for (let at = this.#clients.length; at < clients && connecting.length < atOnce; at++) {
        connecting.push(LoadClient.connect(ports[at % ports.length] ?? 0, path, owner));
      }
      this.#clients.push(...(await Promise.all(connecting)));
    }
  }

  async #send(traffic: Traffic): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const lost = new Promise<never>((_, reject) => (this.#failed = reject));
    const sent = new AbortController();
    const late = pause(traffic.seconds * 1000 + patience, undefined, { signal: sent.signal }).then(() => {
      throw new Error(`${this.#sent - this.#arrived} messages have not arrived`);
    });
    const sending = traffic.rate === undefined ? this.#saturate(traffic) : this.#pace(traffic, traffic.rate);
    try {
      await Promise.race([sending, lost, late]);
    } finally {
      sent.abort();
    }
  }

  #saturate({ seconds, size, window }: Traffic): Promise<void> {
    const end = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      this.#messageArrived = () => {
        if (performance.now() < end) this.#sendOne(size);
        else if (this.#arrived === this.#sent) resolve();
      };
      for (let count = 0; count < window; count++) this.#sendOne(size);
    });
  }

  async #pace({ seconds, size, window }: Traffic, rate: number): Promise<void> {
    const start = performance.now();
    for (let count = 0; count < Math.ceil(rate * seconds); count++) {
      const due = start + (count * 1000) / rate;
      await until(due);
      const blocked = this.#sent - this.#arrived >= window;
      if (blocked) await this.#arrival();
      // The time that a message had to wait for others is part of its latency.
      this.#sendOne(size, blocked ? due : performance.now());
    }
    await until(start + seconds * 1000);
    while (this.#arrived < this.#sent) await this.#arrival();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => (this.#messageArrived = resolve));
  }

  #sendOne(size: number, since = performance.now()): void {
    const number = this.#sent++;
    const at = number % remembered;
    this.#missing[at] = this.#clients.length;
    this.#sentAt[at] = since;
    const text = String(number).padStart(digits, "0").padEnd(size, "x");
    const frame = maskedFrame(opcodes.text, Buffer.from(text, "latin1"));
    this.#clients[number % this.#clients.length]?.send(frame);
  }

  #received(bytes: Buffer, start: number): void {
    const at = numberAt(bytes, start) % remembered;
    this.#deliveries++;
    this.#latencies.add(performance.now() - (this.#sentAt[at] ?? 0));
    const missing = (this.#missing[at] ?? 0) - 1;
    this.#missing[at] = missing;
    if (missing > 0) return;
    this.#arrived++;
    this.#messageArrived();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#failed(error);
  }
}

function numberAt(bytes: Buffer, start: number): number {
  let number = 0;
  for (let at = start; at < start + digits; at++) number = number * 10 + (bytes[at] ?? 0) - 0x30;
  return number;
}

/** Settles at a moment, or at once when it has passed. */
async function until(moment: number): Promise<void> {
  const wait = moment - performance.now();
  if (wait > 0) await pause(wait);
}
