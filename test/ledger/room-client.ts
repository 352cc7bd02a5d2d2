import { once } from "node:events";
import { WebSocket } from "ws";
import type { FromServer, Interval, Outcome } from "./exchange.ts";

/** A message that a client sent to its room. Before its answer has come the times are the client's own. */
export interface Sent {
  readonly id: string;
  readonly room: string;
  readonly sender: string;
  from: number;
  to: number;
  outcome: Outcome | "unanswered";
}

/** A client's stay in its room over one socket. Times are in milliseconds since 1970. */
export interface Stay {
  readonly client: string;
  readonly room: string;
  /** The process that served it, each that was started having a number of its own. */
  readonly process: number;
  readonly joined: number;
  left: number;
  /** Whether it ended because its process was killed. */
  killed: boolean;
  /** The ids of messages, in the order in which they came. */
  readonly heard: string[];
  readonly told: Interval[];
}

/** Where a client finds a process. */
export interface Served {
  readonly number: number;
  readonly port: number;
  readonly killed: boolean;
}

/** A client that is in one room, over one socket at a time, and keeps account of all that it sent and heard. */
export class RoomClient {
  readonly name: string;
  /** Where its room is: the kind of the layer, and the room's name. */
  readonly room: string;
  readonly stays: Stay[] = [];
  readonly sent = new Map<string, Sent>();
  /** Sockets that were closed though their process lives. */
  readonly troubles: string[] = [];
  #socket: WebSocket | undefined;
  #stay: Stay | undefined;
  #leaving = false;

  constructor(name: string, room: string) {
    this.name = name;
    this.room = room;
  }

  /** The present stay. */
  get stay(): Stay | undefined {
    return this.#stay;
  }

  /** How many of its messages have not been answered, and still may be. */
  get unanswered(): number {
    let count = 0;
    const since = this.#stay?.joined ?? Infinity;
    for (const { outcome, from } of this.sent.values()) if (outcome === "unanswered" && from >= since) count++;
    return count;
  }

  /** Settles when the client is a member of its room. */
  async join(served: Served): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}/${this.room}/`);
    const early: string[] = [];
    const keep = (data: Buffer): void => void early.push(data.toString());
    socket.on("message", keep);
    await once(socket, "open");
    const { room, name: client } = this;
    const stay: Stay = {
      client,
      room,
      process: served.number,
      joined: Date.now(),
      left: Infinity,
      killed: false,
      heard: [],
      told: [],
    };
    this.#socket = socket;
    this.#stay = stay;
    this.stays.push(stay);
    socket.off("message", keep);
    for (const text of early) this.#take(stay, text);
    socket.on("message", (data: Buffer) => this.#take(stay, data.toString()));
    socket.on("error", () => {});
    socket.once("close", (code) => {
      stay.left = Date.now();
      stay.killed = served.killed;
      this.#stay = undefined;
      if (!served.killed && !this.#leaving) this.troubles.push(`${this.name} was closed with ${code}`);
    });
  }

  /** Sends a message to the room, if the client is in it, and gives its id. */
  send(): string | undefined {
    if (this.#stay === undefined) return undefined;
    const id = `${this.name}.${this.sent.size}`;
    const from = Date.now();
    this.sent.set(id, { id, room: this.room, sender: this.name, from, to: Infinity, outcome: "unanswered" });
    this.#socket?.send(id);
    return id;
  }

  leave(): void {
    this.#leaving = true;
    this.#socket?.terminate();
  }

  #take(stay: Stay, text: string): void {
    // What a consumer tells, as the server's program says.
    const what = JSON.parse(text) as FromServer;
    if ("heard" in what) stay.heard.push(what.heard);
    else if ("since" in what) stay.told.push(what);
    else {
      const sent = this.sent.get(what.id);
      if (sent !== undefined) Object.assign(sent, what);
    }
  }
}
