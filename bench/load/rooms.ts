import { Latencies } from "../measure/latencies.ts";
import type { LoadClient } from "./client.ts";
import { Content } from "./content.ts";
import type { Dialect } from "./dialect.ts";
import { pace } from "./pace.ts";
import type { Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

/** How many messages can be told apart while they are on their way. */
const remembered = 65_536;

/** One room: its members, and how many messages were sent there. */
interface Room {
  readonly members: LoadClient[];
  sent: number;
}

/** Members of rooms, each of which sends in its turn and receives what all in its room send. */
export class Rooms implements Work {
  readonly #rooms: readonly Room[];
  readonly #traffic: Traffic;
  readonly #content: Content;
  readonly #sentAt = new Float64Array(remembered);
  readonly #missing = new Int32Array(remembered);
  readonly #roomOf: Room[] = [];
  readonly latencies = new Latencies();
  sent = 0;
  deliveries = 0;
  compressed = 0;
  #arrived = 0;
  #now = 0;
  #messageArrived: (room: Room) => void = () => {};

  /** @param rooms is their number; client n is in room n modulo that. */
  constructor(clients: readonly LoadClient[], rooms: number, dialect: Dialect, traffic: Traffic) {
    this.#rooms = Array.from({ length: rooms }, () => ({ members: [], sent: 0 }));
    this.#traffic = traffic;
    this.#content = new Content(dialect, traffic.size);
    for (const client of clients) {
      client.messages = 0;
      this.#rooms[client.index % rooms]?.members.push(client);
    }
  }

  async run(): Promise<void> {
    const { rate } = this.#traffic;
    await (rate === undefined ? this.#saturate() : this.#pace(rate));
    for (const { members, sent } of this.#rooms) {
      const wrong = members.find(({ messages }) => messages !== sent);
      if (wrong !== undefined) throw new Error(`Member ${wrong.index} got ${wrong.messages} of ${sent} messages`);
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
    this.#messageArrived(this.#roomOf[at] as Room);
  }

  read(): void {}

  #saturate(): Promise<void> {
    const { seconds, window } = this.#traffic;
    const end = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      this.#messageArrived = (room) => {
        if (this.#now < end) this.#sendTo(room);
        else if (this.#arrived === this.sent) resolve();
      };
      for (const room of this.#rooms) {
        for (let count = 0; count < window; count++) this.#sendTo(room);
      }
    });
  }

  async #pace(rate: number): Promise<void> {
    const { seconds, window } = this.#traffic;
    await pace(rate, seconds, async (due) => {
      const blocked = this.sent - this.#arrived >= window;
      if (blocked) await this.#arrival();
      // The time that a message had to wait for others is part of its latency.
      this.#sendTo(this.#rooms[this.sent % this.#rooms.length] as Room, blocked ? due : performance.now());
    });
    while (this.#arrived < this.sent) await this.#arrival();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => (this.#messageArrived = () => resolve()));
  }

  #sendTo(room: Room, since = performance.now()): void {
    const number = this.sent++;
    const at = number % remembered;
    this.#missing[at] = room.members.length;
    this.#roomOf[at] = room;
    this.#sentAt[at] = since;
    room.members[room.sent++ % room.members.length]?.send(this.#content.frame(number));
  }
}
