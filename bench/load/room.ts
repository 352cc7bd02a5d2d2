import { Latencies } from "../measure/latencies.ts";
import type { LoadClient } from "./client.ts";
import { Content } from "./content.ts";
import type { Dialect } from "./dialect.ts";
import { pace } from "./pace.ts";
import type { Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

/** How many messages can be told apart while they are on their way. */
const remembered = 4096;

/** Members of a room, each of which sends in its turn and receives what all send. */
export class Room implements Work {
  readonly #members: readonly LoadClient[];
  readonly #traffic: Traffic;
  readonly #content: Content;
  readonly #sentAt = new Float64Array(remembered);
  readonly #missing = new Int32Array(remembered);
  readonly latencies = new Latencies();
  sent = 0;
  deliveries = 0;
  compressed = 0;
  #arrived = 0;
  #now = 0;
  #messageArrived = (): void => {};

  constructor(members: readonly LoadClient[], dialect: Dialect, traffic: Traffic) {
    this.#members = members;
    this.#traffic = traffic;
    this.#content = new Content(dialect, traffic.size);
    for (const member of members) member.messages = 0;
  }

  async run(): Promise<void> {
    const { rate } = this.#traffic;
    await (rate === undefined ? this.#saturate() : this.#pace(rate));
    for (const { messages, index } of this.#members) {
      if (messages !== this.sent) throw new Error(`Member ${index} got ${messages} of ${this.sent} messages`);
    }
  }

  get missing(): string {
    return `${this.sent - this.#arrived} of ${this.sent} messages have not arrived at all`;
  }

  reading(): void {
    this.#now = performance.now();
  }

  received(client: LoadClient, bytes: Buffer, start: number, end: number, compressed: boolean): void {
    const number = compressed
      ? this.#content.numberOfCompressed(client, bytes, start, end)
      : this.#content.numberOf(client, bytes, start, end);
    const at = number % remembered;
    if (compressed) this.compressed++;
    this.deliveries++;
    client.messages++;
    this.latencies.add(this.#now - (this.#sentAt[at] ?? 0));
    const missing = (this.#missing[at] ?? 0) - 1;
    this.#missing[at] = missing;
    if (missing > 0) return;
    this.#arrived++;
    this.#messageArrived();
  }

  read(): void {}

  #saturate(): Promise<void> {
    const { seconds, window } = this.#traffic;
    const end = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      this.#messageArrived = () => {
        if (this.#now < end) this.#sendOne();
        else if (this.#arrived === this.sent) resolve();
      };
      for (let count = 0; count < window; count++) this.#sendOne();
    });
  }

  async #pace(rate: number): Promise<void> {
    const { seconds, window } = this.#traffic;
    await pace(rate, seconds, async (due) => {
      const blocked = this.sent - this.#arrived >= window;
      if (blocked) await this.#arrival();
      // The time that a message had to wait for others is part of its latency.
      this.#sendOne(blocked ? due : performance.now());
    });
    while (this.#arrived < this.sent) await this.#arrival();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => (this.#messageArrived = resolve));
  }

  #sendOne(since = performance.now()): void {
    const number = this.sent++;
    const at = number % remembered;
    this.#missing[at] = this.#members.length;
    this.#sentAt[at] = since;
    this.#members[number % this.#members.length]?.send(this.#content.frame(number));
  }
}
