import type { MillraceError } from "../protocol/errors.ts";
import { type ConditionListener, type Gap, LayerCondition } from "../redis/condition.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import { Link } from "../redis/link.ts";
import type { ConnectionSettings } from "../redis/options.ts";
import { Shards } from "../redis/shards.ts";
import { coreScripts } from "./core-scripts.ts";
import { Waiting, type WaitingOwner } from "./core-waiting.ts";

/** The links of a layer: one for commands to each host, and one for each reader that waits. */
export class CoreLinks implements WaitingOwner {
  /** For all that does not wait. */
  readonly commands: Shards<Link>;
  readonly condition: LayerCondition;
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: ConnectionSettings;
  /** The gaps of hosts that lack memberships, by their index. */
  readonly #unrestored = new Map<number, Gap>();

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
          onUp: (since, until) => {
            const earlier = this.#unrestored.get(index)?.since ?? Infinity;
            this.#unrestored.set(index, { since: Math.min(since, earlier), until });
            restore(index);
          },
        });
        return link;
      }),
    );
  }

  /** A host has all memberships again. */
  hostRestored(index: number): void {
    const gap = this.#unrestored.get(index);
    if (gap === undefined) return;
    this.#unrestored.delete(index);
    this.condition.recover(this.commands.at(index), gap.since, Math.max(gap.until, Date.now()));
  }

  waitingDown(waiting: Waiting, since: number, reason: MillraceError): void {
    this.condition.degrade(waiting, since, reason);
  }

  waitingUp(waiting: Waiting, since: number, until: number): void {
    this.condition.recover(waiting, since, until);
  }

  /** A reader is closed: whether it was well no longer counts. */
  forget(waiting: Waiting): void {
    this.condition.recover(waiting, Infinity, Date.now());
  }

  /**
   * Where one reader waits, which closes it.
   *
   * @param takenUpTo says until when nothing was sent that the reader is to take.
   */
  waiting(index: number, takenUpTo: number): Waiting {
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) throw new RangeError(`There are ${this.#endpoints.length} hosts, and none is ${index}`);
    return new Waiting(endpoint, this.#settings, takenUpTo, this);
  }

  /** Where one reader of all hosts waits. */
  waitingOnAll(takenUpTo: number): Shards<Waiting> {
    return new Shards(this.#endpoints.map((_, index) => this.waiting(index, takenUpTo)));
  }

  async close(): Promise<void> {
    this.condition.close();
    await this.commands.close();
  }
}
