import { randomBytes } from "node:crypto";
import { nonLocalName } from "../protocol/names.ts";

/** The keys of the core layer in Redis, as channels_redis names them. */
export class CoreKeys {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The queue on which a channel's messages wait: its own, or that of its process. */
  queue(channel: string): string {
    return this.prefix + nonLocalName(channel);
  }

  /** Where a reader of Python's keeps a message while it takes it. */
  inflight(channel: string): string {
    return `${this.queue(channel)}$inflight`;
  }

  group(group: string): string {
    return `${this.prefix}:group:${group}`;
  }

  /** All keys of the layer, as a pattern for SCAN. */
  get pattern(): string {
    return `${this.prefix.replaceAll(/[\\*?[\]^-]/g, "\\$&")}*`;
  }
}

/** The names that one layer object gives its channels; who knows one can't tell another. */
export class CoreNames {
  /** What tells this process's queues from others'. */
  readonly #origin = randomBytes(16).toString("hex");
  readonly #indexFor: (name: string) => number;
  #wakes = 0;

  /** @param indexFor says on which host a name is. */
  constructor(indexFor: (name: string) => number) {
    this.#indexFor = indexFor;
  }

  /** The name of the queue for channels of a prefix. */
  queueName(prefix: string): string {
    return `${prefix}.${this.#origin}!`;
  }

  /** Whether a channel is one of this process. */
  isOwn(channel: string): boolean {
    return nonLocalName(channel).endsWith(`.${this.#origin}!`);
  }

  /**
   * A new name on a queue. Python hashes the whole name when it sends to one channel, and the
   * queue's name when it receives or sends to a group; so names are drawn until both give one host.
   */
  newName(queueName: string): string {
    const wanted = this.#indexFor(queueName);
    for (;;) {
      const name = queueName + randomBytes(12).toString("base64url");
      if (this.#indexFor(name) === wanted) return name;
    }
  }

  /** A name for what wakes a reader that waits in Redis. */
  newWakeName(): string {
    return `specific.${this.#origin}.wake.${this.#wakes++}`;
  }
}

const groupMark = "!g.";

/** The names under which this process as a whole is a member of its groups. */
export class Aggregates {
  readonly #queueName: string;
  readonly #names = new Map<string, string>();
  readonly #groups = new Map<string, string>();
  #count = 0;

  /** @param queueName is the queue on which the groups' messages come. */
  constructor(queueName: string) {
    this.#queueName = queueName;
  }

  /** The member's name in a group; a new one when the process had left it. */
  enter(group: string): string {
    const known = this.#names.get(group);
    if (known !== undefined) return known;
    const name = `${this.#queueName}${groupMark.slice(1)}${(this.#count++).toString(36)}`;
    this.#names.set(group, name);
    this.#groups.set(name, group);
    return name;
  }

  /** Forgets a group's name, and says what it was. */
  leave(group: string): string | undefined {
    const name = this.#names.get(group);
    if (name === undefined) return undefined;
    this.#names.delete(group);
    this.#groups.delete(name);
    return name;
  }

  groupOf(name: string): string | undefined {
    return this.#groups.get(name);
  }

  /** Whether a name is, or was, a process's own in a group, and no channel's. */
  isAggregate(name: string): boolean {
    return name.startsWith(this.#queueName) && name.includes(groupMark);
  }
}
