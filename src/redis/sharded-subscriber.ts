import { setTimeout as pause } from "node:timers/promises";
import { isMillraceError, MillraceError } from "../protocol/errors.ts";
import { ClusterView, splitAddress } from "./cluster-view.ts";
import type { ClusterEndpoint } from "./endpoint.ts";
import { isReplyOf, unavailable } from "./faults.ts";
import type { ConnectionSettings } from "./options.ts";
import { slotOf } from "./slot-map.ts";
import { RedisSubscriber, type SubscriberOptions } from "./subscriber.ts";

/** How long the nodes of a cluster may take to tell each other that a slot has moved, in milliseconds. */
const nodesTalkWithin = 2000;
/** How long it takes to ask again for a channel whose slot is on its way. */
const movingTime = 50;

/** A channel that somebody wants. */
interface Wanted {
  readonly channel: string;
  readonly slot: number;
  /** How many want it. */
  count: number;
  /** The node that it is received from. */
  home: string | undefined;
  /** The node that is asked for it. */
  target: string | undefined;
  /** Whether it has ever been received. */
  established: boolean;
  moving: Promise<void> | undefined;
}

/**
 * Receives channels of a cluster's sharded pub/sub: each from the master of its slot, over one
 * connection a node. Where a slot goes to another node, by a failover or by resharding, its channels
 * follow, and what may be missing meanwhile is told as one gap. The nodes are asked at intervals
 * (`probeInterval`) who has which slots, and whenever one of them is lost or moves a slot.
 *
 * It promises what {@link RedisSubscriber} does, and knows no globs: sharded pub/sub has none.
 */
export class ShardedSubscriber {
  readonly #endpoint: ClusterEndpoint;
  readonly #settings: ConnectionSettings;
  readonly #options: SubscriberOptions;
  readonly #nodes = new Map<string, RedisSubscriber>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #ending = new Set<Promise<void>>();
  readonly #view: ClusterView;
  #timer: NodeJS.Timeout | undefined;
  #degradedSince: number | undefined;
  #closing: Promise<void> | undefined;

  constructor(endpoint: ClusterEndpoint, settings: ConnectionSettings, options: SubscriberOptions) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#options = options;
    this.#view = new ClusterView(endpoint, {
      [Symbol.iterator]: () => this.#nodes.entries(),
      at: (address) => this.#node(address),
    });
  }

  /** Where the cluster is, for people. */
  get address(): string {
    return this.#endpoint.address;
  }

  /** Connects, for those who want to know at start whether the cluster is there. */
  async connect(): Promise<void> {
    this.#assertOpen();
    const { masters } = await this.#view.look();
    await Promise.all(Array.from(masters, (master) => this.#node(master).connect()));
  }

  /** See {@link RedisSubscriber.subscribe}. */
  async subscribe(channel: string): Promise<void> {
    this.#assertOpen();
    this.#timer ??= setInterval(() => void this.#review(), this.#settings.probeInterval).unref();
    let wanted = this.#wanted.get(channel);
    if (wanted === undefined) {
      wanted = { channel, slot: slotOf(channel), count: 0, established: false, ...nowhere };
      this.#wanted.set(channel, wanted);
    }
    wanted.count++;
    try {
      await this.#settle(wanted);
    } catch (error) {
      this.#release(wanted);
      throw error;
    }
  }

  /** See {@link RedisSubscriber.unsubscribe}. */
  unsubscribe(channel: string): void {
    const wanted = this.#wanted.get(channel);
    if (wanted !== undefined) this.#release(wanted);
  }

  /** Receives nothing more, and ends. Closing twice does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #release(wanted: Wanted): void {
    if (--wanted.count > 0) return;
    if (this.#wanted.get(wanted.channel) === wanted) this.#wanted.delete(wanted.channel);
    this.#leaveHome(wanted);
  }

  #leaveHome(wanted: Wanted): void {
    const { home } = wanted;
    wanted.home = undefined;
    if (home !== undefined) this.#nodes.get(home)?.unsubscribe(wanted.channel);
  }

  #settle(wanted: Wanted): Promise<void> {
    wanted.moving ??= this.#place(wanted).finally(() => {
      wanted.moving = undefined;
      wanted.target = undefined;
    });
    return wanted.moving;
  }

  /** Receives a channel from the node that has its slot, wherever it was received from before. */
  async #place(wanted: Wanted): Promise<void> {
    const deadline = Date.now() + this.#settings.offlineTimeout;
    for (;;) {
      if (this.#view.map === undefined) await this.#view.look();
      this.#assertOpen();
      const owner = this.#view.ownerOf(wanted.slot);
      if (owner === undefined) throw unavailable(this.address, new Error(`No node has the slot ${wanted.slot}`));
      if (wanted.home === owner || wanted.count === 0) return;
      wanted.target = owner;
      try {
        await this.#node(owner).subscribe(wanted.channel);
      } catch (error) {
        this.#assertOpen();
        // Its slot has gone to another node, or the node is none any more.
        const elsewhere = isMoved(error) || isMillraceError(error, "ERR_LAYER_CLOSED");
        if (!elsewhere || Date.now() > deadline) throw error;
        await pause(movingTime);
        await this.#view.look();
        continue;
      }
      this.#leaveHome(wanted);
      wanted.home = owner;
      wanted.established = true;
      if (wanted.count === 0) this.#leaveHome(wanted);
    }
  }

  /** Lets all channels follow their slots. Where that fails, the next time is as good. */
  async #review(): Promise<void> {
    try {
      await this.#view.look();
    } catch {
      return;
    }
    const moving = Array.from(this.#wanted.values(), (wanted) => this.#follow(wanted));
    this.#retire();
    await Promise.allSettled(moving);
    this.#checkWell();
  }

  async #follow(wanted: Wanted): Promise<void> {
    const { home, established } = wanted;
    const owner = this.#view.ownerOf(wanted.slot);
    if (!established || home === owner) return;
    if (home !== undefined) this.#degrade(Date.now() - nodesTalkWithin, slotMoved(wanted.slot, home, owner));
    if (home !== undefined && this.#nodes.get(home)?.well !== true) this.#leaveHome(wanted);
    await this.#settle(wanted);
  }

  /** Ends the connections to nodes from which nothing is to be received. */
  #retire(): void {
    const masters = this.#view.map?.masters ?? new Set();
    const homes = new Set(Array.from(this.#wanted.values(), ({ home }) => home));
    for (const [address, node] of this.#nodes) {
      if (masters.has(address) || homes.has(address)) continue;
      this.#nodes.delete(address);
      const ending = node.close().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
  }

  #node(address: string): RedisSubscriber {
    this.#assertOpen();
    let node = this.#nodes.get(address);
    if (node !== undefined) return node;
    const { username, password, db, tls } = this.#endpoint;
    const login = { address, ...splitAddress(address), path: undefined, username, password, db, tls };
    node = new RedisSubscriber({ kind: "server", isNode: true, ...login }, this.#settings, {
      ...this.#options,
      sharded: true,
      onMessage: (channel, payload) => this.#receive(address, channel, payload),
      onMoved: (channel) => this.#moved(address, channel),
      onDegraded: (since, reason) => this.#nodeLost(address, since, reason),
      onRecovered: (since) => this.#nodeBack(since),
    });
    this.#nodes.set(address, node);
    return node;
  }

  /** Of two nodes that have a channel while its slot moves, one counts: what it says comes once. */
  #receive(address: string, channel: string, payload: Buffer): void {
    const wanted = this.#wanted.get(channel);
    if (wanted === undefined || (wanted.home ?? wanted.target) !== address) return;
    this.#options.onMessage(channel, payload);
  }

  #moved(address: string, channel: string): void {
    const wanted = this.#wanted.get(channel);
    if (wanted?.home !== address) return;
    this.#leaveHome(wanted);
    this.#degrade(Date.now() - nodesTalkWithin, slotMoved(wanted.slot, address, undefined));
    void this.#review();
  }

  #nodeLost(address: string, since: number, reason: MillraceError): void {
    if ([...this.#wanted.values()].some(({ home }) => home === address)) this.#degrade(since, reason);
    void this.#review();
  }

  #nodeBack(since: number): void {
    if (this.#degradedSince !== undefined) this.#degradedSince = Math.min(this.#degradedSince, since);
    void this.#review();
  }

  #degrade(since: number, reason: MillraceError): void {
    if (this.#degradedSince === undefined) this.#options.onDegraded?.(since, reason);
    this.#degradedSince = Math.min(this.#degradedSince ?? since, since);
  }

  /** All that was received before is received again, each from the node that has its slot. */
  #checkWell(): void {
    const since = this.#degradedSince;
    if (since === undefined || this.#closing !== undefined) return;
    for (const { established, home, slot } of this.#wanted.values()) {
      if (!established) continue;
      if (home === undefined || home !== this.#view.ownerOf(slot) || this.#nodes.get(home)?.well !== true) return;
    }
    this.#degradedSince = undefined;
    this.#options.onRecovered?.(since, Date.now());
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new MillraceError("ERR_LAYER_CLOSED", {
      happened: `The subscriber of Redis at ${this.address} has been closed`,
    });
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.#wanted.clear();
    await Promise.all([...Array.from(this.#nodes.values(), (node) => node.close()), ...this.#ending]);
  }
}

const nowhere = { home: undefined, target: undefined, moving: undefined };

/** Whether a node has refused a channel because another has its slot. */
function isMoved(error: unknown): boolean {
  return isMillraceError(error, "ERR_REDIS") && isReplyOf(error.cause, "MOVED");
}

function slotMoved(slot: number, from: string, to: string | undefined): MillraceError {
  return new MillraceError("ERR_LAYER_UNAVAILABLE", {
    happened: `The slot ${slot} has moved from ${from} to ${to ?? "another node"}`,
    remedy: "Its channels follow by themselves",
  });
}
