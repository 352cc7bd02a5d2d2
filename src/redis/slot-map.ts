/** How many slots a cluster has. */
const slotCount = 16_384;

/** Which node has which slots of a cluster, as one of its nodes tells. */
export interface SlotMap {
  /** Grows with each change that the nodes agree on: of two maps that differ, that with the larger one counts. */
  readonly epoch: number;
  /** The master of each slot, as `host:port`; nothing where nobody has the slot. */
  readonly owners: ReadonlyArray<string | undefined>;
  readonly masters: ReadonlySet<string>;
  /** All nodes, replicas too. */
  readonly nodes: ReadonlySet<string>;
}

/** The slot of a channel or key: of what stands in its first pair of braces, or of all of it. */
export function slotOf(name: string): number {
  const open = name.indexOf("{");
  const close = open === -1 ? -1 : name.indexOf("}", open + 1);
  return crc16(Buffer.from(close > open + 1 ? name.slice(open + 1, close) : name)) % slotCount;
}

/**
 * Reads what a node answers.
 *
 * @param slots is the answer to `CLUSTER SLOTS`, `info` that to `CLUSTER INFO`.
 * @param asked is the host that was asked, which a node may leave out.
 * @returns nothing for a node that finds its cluster down, or answers otherwise.
 */
export function readSlotMap(slots: unknown, info: unknown, asked: string): SlotMap | undefined {
  const epoch = /cluster_current_epoch:(\d+)/.exec(String(info))?.[1];
  if (!Array.isArray(slots) || epoch === undefined || !String(info).includes("cluster_state:ok")) return undefined;
  const owners: Array<string | undefined> = Array.from({ length: slotCount }, () => undefined);
  const [masters, nodes] = [new Set<string>(), new Set<string>()];
  // An answer of Redis is unknown until it is read here: [first slot, last slot, [host, port, …], …].
  for (const [first, last, ...servers] of slots as ReadonlyArray<readonly unknown[]>) {
    const addresses = (servers as ReadonlyArray<readonly unknown[]>).map(
      ([host, port]) => `${typeof host === "string" && host !== "" ? host : asked}:${Number(port)}`,
    );
    const [master] = addresses;
    if (master !== undefined) masters.add(master);
    for (const address of addresses) nodes.add(address);
    owners.fill(master, Number(first), Number(last) + 1);
  }
  return { epoch: Number(epoch), owners, masters, nodes };
}

/** Of several maps the one that the latest change has made; where these differ, what most nodes say. */
export function latestMap(maps: readonly SlotMap[]): SlotMap | undefined {
  const epoch = Math.max(...maps.map((map) => map.epoch));
  const votes = new Map<string, SlotMap[]>();
  for (const map of maps.filter((map) => map.epoch === epoch)) {
    const view = map.owners.join();
    votes.set(view, [...(votes.get(view) ?? []), map]);
  }
  return [...votes.values()].toSorted((one, other) => other.length - one.length)[0]?.[0];
}

/** The checksum by which Redis spreads names over slots. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}
