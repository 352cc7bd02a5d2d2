import { type ConditionListener, LayerCondition } from "../redis/condition.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import { Link } from "../redis/link.ts";
import type { ConnectionSettings } from "../redis/options.ts";
import { Shards } from "../redis/shards.ts";
import { popTimeout } from "./core-pop.ts";
import { coreScripts } from "./core-scripts.ts";

/** The links of a layer: one for commands to each host, and one for each reader that waits. */
export class CoreLinks {
  /** For all that does not wait. */
  readonly commands: Shards<Link>;
  readonly condition: LayerCondition;
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: ConnectionSettings;
  /** Since when a host lacks memberships, by its index. */
  readonly #unrestored = new Map<number, number>();

  /** @param restore puts memberships back on a host that was away; it calls {@link hostRestored} when it has. */
  constructor(
    kind: string,
    endpoints: readonly Endpoint[],
    settings: ConnectionSettings,
    listener: ConditionListener,
    restore: (index: number) => void,
  ) {
    this.#endpoints = endpoints;
    this.#settings = settings;
    this.condition = new LayerCondition(kind, listener);
    this.commands = new Shards(
      endpoints.map((endpoint, index) => {
        const link: Link = new Link(endpoint, settings, {
          name: "millrace-core",
          scripts: coreScripts,
          onDown: (since, reason) => this.condition.degrade(link, since, reason),
          onUp: (since) => {
            this.#unrestored.set(index, Math.min(since, this.#unrestored.get(index) ?? Infinity));
            restore(index);
          },
        });
        return link;
      }),
    );
  }

  /** A host has all memberships again. */
  hostRestored(index: number): void {
    const since = this.#unrestored.get(index);
    if (since === undefined) return;
    this.#unrestored.delete(index);
    this.condition.recover(this.commands.at(index), since, Date.now());
  }

  /** A reader's link is closed: whether it was well no longer counts. */
  forget(link: Link): void {
    this.condition.recover(link, Infinity, Date.now());
  }

  /** A link for one reader, which closes it. */
  waiting(index: number): Link {
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) throw new RangeError(`There are ${this.#endpoints.length} hosts, and none is ${index}`);
    const link: Link = new Link(endpoint, this.#settings, {
      name: "millrace-core-reader",
      blocksFor: popTimeout * 1000,
      onDown: (since, reason) => this.condition.degrade(link, since, reason),
      onUp: (since, until) => this.condition.recover(link, since, until),
    });
    return link;
  }

  /** Links for one reader of all hosts. */
  waitingOnAll(): Shards<Link> {
    return new Shards(this.#endpoints.map((_, index) => this.waiting(index)));
  }
}
