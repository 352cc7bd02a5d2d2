import type { Channel } from "../protocol/channel-layer.ts";
import type { Link } from "../redis/link.ts";
import type { Shards } from "../redis/shards.ts";
import { popNow, type Popped, popTimeout } from "./core-pop.ts";
import { RecentlyTaken } from "./core-recent.ts";
import { recoverInflight } from "./core-scripts.ts";
import { closeWaiting, type ReaderOwner, Retry } from "./core-receiver.ts";
import type { Waiting } from "./core-waiting.ts";

/** Where a named channel is read, and by what keys. */
export interface NamedSource {
  readonly name: string;
  readonly queue: string;
  readonly inflight: string;
  readonly wake: string;
  /** For how many whole seconds a message stays that is put back. */
  readonly stays: number;
  /** Whether a reader of Python's may have left something behind that is to be put back first. */
  readonly recovers: boolean;
  /** For all but waiting. */
  readonly commands: Shards<Link>;
  /** For nothing but this reader, which waits on them. */
  readonly waiting: Shards<Waiting>;
}

/** What a named reader needs of its layer. */
export interface NamedReaderOwner extends ReaderOwner {
  readerClosed(reader: NamedReader): void;
}

/** Of several hosts one has the wait, and it is short, because a message may come on another. */
const ringTimeout = 0.1;

/**
 * One of those who receive a named channel: it takes a message off the queue when it has handled
 * the last. Over several hosts it goes from one to the next with each message, as those go who
 * send; when the turn has no message but another host has, that one is read.
 */
export class NamedReader implements Channel {
  readonly #source: NamedSource;
  readonly #handle: (popped: Popped) => void | Promise<void>;
  readonly #owner: NamedReaderOwner;
  readonly #retry: Retry;
  readonly #recent = new RecentlyTaken();
  #turn = 0;
  // Whether the last message came out of turn, so that others may wait out of turn as well.
  #outOfStep = false;
  #closing: Promise<void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  /** @param handle hands one message over, and settles when it is handled; it MUST NOT throw or reject. */
  constructor(source: NamedSource, owner: NamedReaderOwner, handle: (popped: Popped) => void | Promise<void>) {
    this.#source = source;
    this.#handle = handle;
    this.#owner = owner;
    this.#retry = new Retry(owner);
    void this.#run();
  }

  get name(): string {
    return this.#source.name;
  }

  /** Takes no more messages. It does not wait for the one that is being handled. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { commands, waiting, wake } = this.#source;
    const link = commands.at(this.#turn);
    this.#retry.stop();
    // The turn does not change any more: what is read from now on is put back.
    await closeWaiting({ waiting: waiting.at(this.#turn), commands: link }, wake);
    await waiting.close();
    await this.#reading;
    if (link.up) await Promise.allSettled([link.call("DEL", wake)]);
    this.#owner.readerClosed(this);
  }

  async #run(): Promise<void> {
    let recovered = !this.#source.recovers;
    while (this.#closing === undefined) {
      try {
        if (!recovered) await this.#recover();
        recovered = true;
        const reading = this.#next();
        this.#reading = reading.catch(() => {});
        const popped = await reading;
        this.#retry.succeeded();
        if (popped !== undefined && this.#recent.isNew(popped)) await this.#handle(popped);
      } catch (error) {
        if (this.#closing === undefined) await this.#retry.failed(error, this.#source.waiting.at(this.#turn).up);
      }
    }
  }

  /** The next message, unless none came in time or the reader was closed. */
  async #next(): Promise<Popped | undefined> {
    const turn = this.#turn;
    if (!this.#outOfStep) {
      const popped = await this.#wait(turn);
      if (popped !== undefined) return this.#taken(popped, turn);
    }
    const { commands, queue } = this.#source;
    for (let step = this.#outOfStep ? 0 : 1; step < commands.length && this.#closing === undefined; step++) {
      const index = (turn + step) % commands.length;
      const found = await popNow(commands.at(index), queue);
      if (found === undefined) continue;
      this.#outOfStep = true;
      return this.#taken(found, index);
    }
    this.#outOfStep = false;
    return undefined;
  }

  async #wait(turn: number): Promise<Popped | undefined> {
    const { waiting, queue, wake } = this.#source;
    const seconds = waiting.length === 1 ? popTimeout : ringTimeout;
    return (await waiting.at(turn).pop(queue, wake, seconds, 0))[0];
  }

  async #taken(popped: Popped, index: number): Promise<Popped | undefined> {
    if (this.#closing === undefined) {
      this.#turn = (index + 1) % this.#source.commands.length;
      return popped;
    }
    const { commands, queue, stays } = this.#source;
    const link = commands.at(index);
    try {
      await Promise.all([link.call("ZADD", queue, popped.score, popped.frame), link.call("EXPIRE", queue, stays)]);
    } catch (error) {
      this.#owner.failed(error);
    }
    return undefined;
  }

  async #recover(): Promise<void> {
    const { commands, queue, inflight } = this.#source;
    await Promise.all(Array.from(commands, (link) => recoverInflight.run(link, [queue, inflight])));
  }
}
