import type { ClusterEndpoint } from "./endpoint.ts";
import { unavailable } from "./faults.ts";
import { latestMap, readSlotMap, type SlotMap } from "./slot-map.ts";
import type { RedisSubscriber } from "./subscriber.ts";

/** The connections by which a cluster is asked. */
export interface ClusterNodes extends Iterable<[address: string, node: RedisSubscriber]> {
  /** That to a node, made if there is none. */
  at(address: string): RedisSubscriber;
}

/** What is known of a cluster's slots. */
export class ClusterView {
  readonly #endpoint: ClusterEndpoint;
  readonly #nodes: ClusterNodes;
  #map: SlotMap | undefined;
  #looking: Promise<SlotMap> | undefined;

  constructor(endpoint: ClusterEndpoint, nodes: ClusterNodes) {
    this.#endpoint = endpoint;
    this.#nodes = nodes;
  }

  /** What was seen last. */
  get map(): SlotMap | undefined {
    return this.#map;
  }

  /** The master that has a slot, as far as is known. */
  ownerOf(slot: number): string | undefined {
    return this.#map?.owners[slot];
  }

  /**
   * Asks all nodes to which there is a connection, or else the first that can be reached. Callers
   * at the same time share the answer.
   *
   * @throws MillraceError `ERR_LAYER_UNAVAILABLE` or `ERR_REDIS` when nobody answers.
   */
  look(): Promise<SlotMap> {
    this.#looking ??= this.#ask().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #ask(): Promise<SlotMap> {
    if (Array.from(this.#nodes).every(([, node]) => !node.well)) await this.#reachAny();
    const answers = await Promise.all(Array.from(this.#nodes, ([address, node]) => askNode(address, node)));
    const latest = latestMap(answers.filter((map) => map !== undefined));
    // A node that was cut off from the others knows of no change since.
    if (latest !== undefined && latest.epoch >= (this.#map?.epoch ?? 0)) this.#map = latest;
    if (this.#map !== undefined) return this.#map;
    throw unavailable(this.#endpoint.address, new Error("No node finds its cluster well"));
  }

  async #reachAny(): Promise<void> {
    const named = this.#endpoint.nodes.map(({ host, port }) => `${host}:${port}`);
    const known = new Set([...named, ...(this.#map?.nodes ?? [])]);
    try {
      await Promise.any(Array.from(known, async (address) => this.#nodes.at(address).connect()));
    } catch (error) {
      // Each has its reason, and the first is as good as any.
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }
}

async function askNode(address: string, node: RedisSubscriber): Promise<SlotMap | undefined> {
  if (!node.well) return undefined;
  try {
    const [slots, info] = await Promise.all([node.ask("CLUSTER", ["SLOTS"]), node.ask("CLUSTER", ["INFO"])]);
    return readSlotMap(slots, info, splitAddress(address).host);
  } catch {
    // Its connection tells what is amiss; the others are asked as well.
    return undefined;
  }
}

/** The parts of `host:port`. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
