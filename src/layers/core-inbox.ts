import type { Channel, Subscriber } from "../protocol/channel-layer.ts";
import { reportExpired } from "../protocol/diagnostics.ts";
import type { Addressees } from "./core-addressees.ts";
import type { Codec } from "./codec/codec.ts";
import type { CoreKeys, CoreNames } from "./core-keys.ts";
import type { CoreLinks } from "./core-links.ts";
import { NamedReader } from "./core-named-reader.ts";
import type { Popped } from "./core-pop.ts";
import { ProcessQueue } from "./core-receiver.ts";

/** What receiving needs of the layer. */
export interface InboxParts {
  readonly links: CoreLinks;
  readonly keys: CoreKeys;
  readonly names: CoreNames;
  readonly codec: Codec;
  readonly addressees: Addressees;
  /** For how long a message is wanted, in milliseconds. */
  readonly expiry: number;
  /** For how many seconds a message stays that is put back. */
  readonly stays: number;
  /** Something failed of which no caller hears. */
  readonly failed: (thrown: unknown) => void;
}

/** All that this process receives from Redis: its own queues, and the named channels that it reads. */
export class CoreInbox {
  readonly #parts: InboxParts;
  readonly #queues = new Map<string, ProcessQueue>();
  readonly #readers = new Set<NamedReader>();
  readonly #recovered = new Set<string>();

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** How many named channels are read, each receiver counted. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Reads a queue of this process from now on. */
  open(queueName: string): void {
    if (this.#queues.has(queueName)) return;
    const { links, keys, failed } = this.#parts;
    const index = links.commands.indexFor(queueName);
    const ends = { waiting: links.waiting(index, Date.now()), commands: links.commands.at(index) };
    const take = (popped: Popped): void => this.#take(popped, queueName);
    const queue = new ProcessQueue(ends, keys.queue(queueName), this.#newWake(), { failed }, take);
    this.#queues.set(queueName, queue);
    queue.start();
  }

  /** Reads a named channel. */
  subscribe(channel: string, subscriber: Subscriber): Channel {
    const { links, keys, expiry, stays, failed } = this.#parts;
    // What waits may be as old as what is wanted at all.
    const waiting = links.waitingOnAll(Date.now() - expiry);
    const source = {
      name: channel,
      queue: keys.queue(channel),
      inflight: keys.inflight(channel),
      wake: this.#newWake(),
      stays,
      // Once, because a reader of Python's that lives would see its message come twice.
      recovers: !this.#recovered.has(channel),
      commands: links.commands,
      waiting,
    };
    this.#recovered.add(channel);
    const readerClosed = (closed: NamedReader): void => {
      this.#readers.delete(closed);
      for (const one of waiting) links.forget(one);
    };
    const reader = new NamedReader(source, { failed, readerClosed }, (popped) =>
      this.#handOver(channel, popped, subscriber),
    );
    this.#readers.add(reader);
    return reader;
  }

  /** Tells of a message that nobody took off a queue in time. */
  expired(frame: Buffer, queueName: string): void {
    try {
      const { message, address = queueName } = this.#parts.codec.decode(frame);
      for (const name of [address].flat()) reportExpired(name, message);
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  async close(): Promise<void> {
    const readers = [...this.#queues.values(), ...this.#readers];
    await Promise.all(readers.map((reader) => reader.close()));
  }

  #newWake(): string {
    return this.#parts.keys.queue(this.#parts.names.newWakeName());
  }

  #take({ frame, sentAt }: Popped, queueName: string): void {
    const { codec, addressees, expiry, failed } = this.#parts;
    try {
      const { message, address } = codec.decode(frame);
      const expiresAt = sentAt + expiry;
      if (expiresAt > Date.now()) addressees.deliver(message, address, queueName, expiresAt);
      else addressees.expire(message, address, queueName);
    } catch (error) {
      failed(error);
    }
  }

  async #handOver(channel: string, { frame, sentAt }: Popped, subscriber: Subscriber): Promise<void> {
    const { codec, expiry, failed } = this.#parts;
    try {
      const { message } = codec.decode(frame);
      const expiresAt = sentAt + expiry;
      if (expiresAt > Date.now()) await subscriber(message, expiresAt);
      else reportExpired(channel, message);
    } catch (error) {
      failed(error);
    }
  }
}
