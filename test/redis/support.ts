import { readHosts } from "../../src/redis/endpoint.ts";
import type { RedisHost } from "../../src/redis/hosts.ts";
import { Link, type LinkOptions } from "../../src/redis/link.ts";
import { type RedisConnectionOptions, readConnectionOptions } from "../../src/redis/options.ts";
import { RedisSubscriber, type SubscriberOptions } from "../../src/redis/subscriber.ts";

/** Times that let a test see in a moment what takes seconds in earnest. */
const quick: RedisConnectionOptions = {
  connectTimeout: 1,
  offlineTimeout: 5,
  probeInterval: 0.05,
  probeTimeout: 0.2,
  retryDelay: 0.01,
  maxRetryDelay: 0.05,
};

export function makeLink(host: RedisHost, options: RedisConnectionOptions & LinkOptions = {}): Link {
  const [endpoint] = readHosts([host]);
  if (endpoint === undefined) throw new Error("One host makes one endpoint");
  return new Link(endpoint, readConnectionOptions({ ...quick, ...options }), options);
}

/** A subscriber, and what it has heard. */
export class Listener implements AsyncDisposable {
  readonly subscriber: RedisSubscriber;
  readonly messages: string[] = [];
  readonly payloads: Buffer[] = [];
  readonly gaps: Array<{ readonly since: number; readonly until: number }> = [];
  readonly degradedSince: number[] = [];
  #changed: Array<() => void> = [];

  constructor(host: RedisHost, options: RedisConnectionOptions & Partial<SubscriberOptions> = {}) {
    const [endpoint] = readHosts([host]);
    if (endpoint === undefined) throw new Error("One host makes one endpoint");
    this.subscriber = new RedisSubscriber(endpoint, readConnectionOptions({ ...quick, ...options }), {
      ...options,
      onMessage: (channel, payload) => {
        this.payloads.push(payload);
        this.#add(this.messages, `${channel} ${payload.toString()}`);
      },
      onDegraded: (since) => this.#add(this.degradedSince, since),
      onRecovered: (since, until) => this.#add(this.gaps, { since, until }),
    });
  }

  /** Settles when so many messages have come. */
  heard(count: number): Promise<void> {
    return this.#until(() => this.messages.length >= count);
  }

  /** Settles when it has lost its connection so many times. */
  degraded(count = 1): Promise<void> {
    return this.#until(() => this.degradedSince.length >= count);
  }

  /** Settles when it has recovered so many times. */
  recovered(count = 1): Promise<void> {
    return this.#until(() => this.gaps.length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.subscriber.close();
  }

  #add<T>(list: T[], item: T): void {
    list.push(item);
    const changed = this.#changed;
    this.#changed = [];
    for (const tell of changed) tell();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => void this.#changed.push(resolve));
  }
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was rejected");
}
