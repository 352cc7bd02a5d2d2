import type { ClusterEndpoint, DirectEndpoint, Endpoint, ServerEndpoint } from "./endpoint.ts";
import type { RedisNode } from "./hosts.ts";
import type { ConnectionSettings } from "./options.ts";
import { Sentinels } from "./sentinels.ts";

/** What is sent to Redis: commands go to the node that has their key, subscriptions to any one. */
export type Traffic = "commands" | "subscriptions";

/** Knows where to connect to: to a server as it is written, to whom the sentinels name, or to a node of a cluster. */
export class Locator {
  /** Those who decide which server it is, where somebody does. */
  readonly sentinels: Sentinels | undefined;
  readonly #locate: () => DirectEndpoint | Promise<DirectEndpoint>;
  #nodes: ReadonlyArray<Required<RedisNode>> = [];
  #next = 0;

  constructor(endpoint: Endpoint, settings: ConnectionSettings, traffic: Traffic) {
    if (endpoint.kind === "sentinel") {
      const sentinels = new Sentinels(endpoint, settings);
      this.sentinels = sentinels;
      this.#locate = () => sentinels.findMaster();
      return;
    }
    this.sentinels = undefined;
    if (endpoint.kind === "server") {
      this.#locate = () => endpoint;
      return;
    }
    this.#nodes = endpoint.nodes;
    // The node that is named may be the one that has died.
    const withAllKnown = (): ClusterEndpoint => ({ ...endpoint, nodes: [...endpoint.nodes, ...this.#nodes] });
    this.#locate = traffic === "commands" ? withAllKnown : () => this.#nextNode(endpoint);
  }

  /** Where to connect to now. Rejects when nobody can tell. */
  locate(): DirectEndpoint | Promise<DirectEndpoint> {
    return this.#locate();
  }

  /** Takes note of the nodes of a cluster, by the answer to `CLUSTER SLOTS`. */
  learn(slots: unknown): void {
    if (!Array.isArray(slots)) return;
    const nodes = new Map<string, Required<RedisNode>>();
    // An answer of Redis is unknown until it is read here: [first slot, last slot, [host, port, …], …].
    for (const [, , ...servers] of slots as ReadonlyArray<readonly unknown[]>) {
      for (const [host, port] of servers as ReadonlyArray<readonly unknown[]>) {
        if (typeof host === "string" && host !== "") nodes.set(`${host}:${Number(port)}`, { host, port: Number(port) });
      }
    }
    if (nodes.size > 0) this.#nodes = [...nodes.values()];
  }

  close(): void {
    this.sentinels?.close();
  }

  /** Each attempt goes to another node, so that one that is dead is not tried for ever. */
  #nextNode({ username, password, db, tls }: ClusterEndpoint): ServerEndpoint {
    // Many processes that lose one node are not to meet on the next one.
    if (this.#next === 0) this.#next = Math.floor(Math.random() * this.#nodes.length);
    const { host, port } = this.#nodes[this.#next++ % this.#nodes.length] ?? { host: "localhost", port: 6379 };
    const address = `${host}:${port}`;
    return { kind: "server", isNode: true, address, host, port, path: undefined, username, password, db, tls };
  }
}
