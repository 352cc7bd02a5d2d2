import type { JobSite } from "../layers/job-site.ts";
import { Link } from "../redis/link.ts";
import { Shards } from "../redis/shards.ts";
import { RedisSubscriber } from "../redis/subscriber.ts";
import { WorkerCondition } from "./condition.ts";
import { finish, hold, moveOne, moveWaiting, renew, retry, setAside, take } from "./job-scripts.ts";

const scripts = [take, renew, finish, retry, setAside, hold, moveOne, moveWaiting];

/** How much longer than others a command may take by which a worker waits for jobs, in milliseconds. */
const blocksFor = 1000;

/** The connections of one worker: one for commands to each host, and one for each channel on which it waits. */
export class WorkerLinks {
  /** For all that does not wait. */
  readonly commands: Shards<Link>;
  readonly #site: JobSite;
  readonly #condition = new WorkerCondition();
  readonly #waiting: Link[] = [];

  constructor(site: JobSite) {
    this.#site = site;
    this.commands = new Shards(
      site.endpoints.map((_, host) => this.#newLink(host, { name: "millrace-worker", scripts })),
    );
  }

  /** A link for waiting on one channel. It is closed with the others. */
  waiting(host: number): Link {
    const link = this.#newLink(host, { name: "millrace-worker-reader", blocksFor });
    this.#waiting.push(link);
    return link;
  }

  /** A subscriber, which its user closes. */
  newSubscriber(host: number, onMessage: (topic: string, payload: Buffer) => void): RedisSubscriber {
    const { endpoint, connection } = this.#host(host);
    const subscriber: RedisSubscriber = new RedisSubscriber(endpoint, connection, {
      name: "millrace-worker-bridge",
      onMessage,
      onDegraded: (since, reason) => this.#condition.down(subscriber, since, reason),
      onRecovered: (since) => this.#condition.up(subscriber, since),
    });
    return subscriber;
  }

  /** A subscriber was closed: whether it was well no longer counts. */
  forget(subscriber: RedisSubscriber): void {
    this.#condition.up(subscriber);
  }

  /** Connects to all hosts. Rejects when one is not there. */
  async connect(): Promise<void> {
    await Promise.all([...this.commands, ...this.#waiting].map((link) => link.connect()));
  }

  async close(): Promise<void> {
    await Promise.all([this.commands.close(), ...this.#waiting.map((link) => link.close())]);
  }

  #newLink(host: number, options: ConstructorParameters<typeof Link>[2]): Link {
    const { endpoint, connection } = this.#host(host);
    const link: Link = new Link(endpoint, connection, {
      ...options,
      onDown: (since, reason) => this.#condition.down(link, since, reason),
      onUp: (since) => this.#condition.up(link, since),
    });
    return link;
  }

  #host(host: number) {
    const { endpoints, connection } = this.#site;
    const endpoint = endpoints[host];
    if (endpoint === undefined) throw new RangeError(`There are ${endpoints.length} hosts, and none is number ${host}`);
    return { endpoint, connection };
  }
}
