import type { GroupSendReport } from "../protocol/channel-layer.ts";
import { isMillraceError, MillraceError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { nonLocalName } from "../protocol/names.ts";
import { unavailable } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import type { Shards } from "../redis/shards.ts";
import type { CapacityOf } from "./capacity.ts";
import type { Codec } from "./codec/codec.ts";
import type { CoreKeys } from "./core-keys.ts";
import { wholeSeconds } from "./core-membership.ts";
import { enqueue, enqueueOrAdd, listMembers, noWorkers, queued } from "./core-scripts.ts";
import type { ExpiryWatch } from "./core-watch.ts";
import { isNamedChannel, JobKeys } from "./job-keys.ts";
import type { JobSettings } from "./job-options.ts";
import { full } from "./job-scripts.ts";

/** What sending needs of the layer. Times are in milliseconds. */
export interface SenderSettings {
  readonly expiry: number;
  readonly groupExpiry: number;
  readonly capacityOf: CapacityOf;
  readonly codec: Codec;
  readonly jobs: JobSettings;
}

/** What goes onto one queue: one message for all members that share it. */
interface Parcel {
  readonly queue: string;
  readonly frame: Buffer;
  readonly capacity: number;
}

/** For how many channels a sender remembers whose turn it is. */
const maxTurns = 10_000;

/** Puts messages onto the queues of channels and of groups' members. */
export class CoreSender {
  readonly #links: Shards<Link>;
  readonly #keys: CoreKeys;
  readonly #settings: SenderSettings;
  readonly #watch: ExpiryWatch;
  readonly #turns = new Map<string, number>();
  /** For how many seconds a queue stays that nobody touches: until those who sent have looked after it. */
  readonly #stays: number;

  constructor(links: Shards<Link>, keys: CoreKeys, settings: SenderSettings, watch: ExpiryWatch) {
    this.#links = links;
    this.#keys = keys;
    this.#settings = settings;
    this.#watch = watch;
    this.#stays = wholeSeconds(settings.expiry * 1.1) + 1;
  }

  get stays(): number {
    return this.#stays;
  }

  /** Says whether the channel had room. */
  async send(channel: string, message: LayerMessage): Promise<boolean> {
    const { codec, capacityOf } = this.#settings;
    const local = channel.includes("!");
    const frame = codec.encode(message, local ? channel : undefined);
    const parcel = { queue: this.#keys.queue(channel), frame, capacity: capacityOf(channel) };
    if (isNamedChannel(channel)) return this.#sendNamed(channel, parcel);
    const link = local ? this.#links.for(nonLocalName(channel)) : this.#links.at(this.#nextTurn(channel));
    return (await this.#enqueue(link, [parcel])) === 0;
  }

  /** To the channel's workers, where it has or had any, and to its queue otherwise. */
  async #sendNamed(channel: string, parcel: Parcel): Promise<boolean> {
    const { jobs, expiry } = this.#settings;
    const { queue, frame, capacity } = parcel;
    const keys = new JobKeys(this.#keys.prefix, channel);
    const link = this.#links.for(channel);
    const turn = this.#links.at(this.#nextTurn(channel));
    // Over several hosts the queue may be on another one, which is asked then.
    const places = turn === link ? [keys.jobs, keys.aside, queue] : [keys.jobs, keys.aside];
    const limits = [jobs.capacity, jobs.declared.has(channel) ? 1 : 0, capacity, expiry / 1000, this.#stays];
    const answer = await enqueueOrAdd.run(link, places, [frame, ...limits]);
    if (answer === noWorkers) return (await this.#enqueue(turn, [parcel])) === 0;
    if (answer === queued) this.#watch.add(link, queue);
    return answer !== full;
  }

  /** Sends to each process that has members, and to each named channel that is one. */
  async groupSend(group: string, message: LayerMessage): Promise<GroupSendReport> {
    // Before anybody is asked, so that what can't travel is refused though the group is empty.
    this.#settings.codec.encode(message);
    const members = await this.#membersOf(group);
    const parcels = this.#pack(members, message);
    const sending = [...parcels].map(([link, batch]) => this.#enqueue(link, batch));
    const overCapacity = sumOf(group, await Promise.allSettled(sending));
    let queues = 0;
    for (const batch of parcels.values()) queues += batch.length;
    return { processes: queues - overCapacity, delivered: undefined, overCapacity };
  }

  /** Names, as text, which is all that a group has as its members. */
  async #membersOf(group: string): Promise<readonly string[]> {
    const link = this.#links.for(group);
    try {
      const expiry = this.#settings.groupExpiry / 1000;
      return (await listMembers.run(link, [this.#keys.group(group)], [expiry])) as readonly string[];
    } catch (error) {
      // Whoever did not answer this was sent nothing yet.
      throw isMillraceError(error, "ERR_OUTCOME_UNKNOWN") ? unavailable(link.address, error.cause) : error;
    }
  }

  #pack(members: readonly string[], message: LayerMessage): ReadonlyMap<Link, readonly Parcel[]> {
    const names = new Map<string, [string, ...string[]]>();
    for (const member of members) {
      const queueName = nonLocalName(member);
      const others = names.get(queueName);
      if (others === undefined) names.set(queueName, [member]);
      else others.push(member);
    }
    const parcels = new Map<Link, Parcel[]>();
    for (const [queueName, channels] of names) {
      const link = this.#links.for(queueName);
      let batch = parcels.get(link);
      if (batch === undefined) parcels.set(link, (batch = []));
      const frame = this.#settings.codec.encode(message, channels);
      const capacity = this.#settings.capacityOf(channels[0]);
      batch.push({ queue: this.#keys.queue(queueName), frame, capacity });
    }
    return parcels;
  }

  /** Gives how many queues were full. */
  async #enqueue(link: Link, parcels: readonly Parcel[]): Promise<number> {
    const queues = parcels.map(({ queue }) => queue);
    const frames = parcels.map(({ frame }) => frame);
    const capacities = parcels.map(({ capacity }) => capacity);
    const seconds = this.#settings.expiry / 1000;
    const full = await enqueue.run(link, queues, [...frames, ...capacities, seconds, this.#stays]);
    for (const queue of queues) this.#watch.add(link, queue);
    // A whole number, as the script says.
    return full as number;
  }

  /** Python's readers go from one host to the next with each message, and so do those who send. */
  #nextTurn(channel: string): number {
    const { length } = this.#links;
    if (length === 1) return 0;
    const turn = this.#turns.get(channel) ?? 0;
    if (this.#turns.size >= maxTurns && !this.#turns.has(channel)) this.#turns.clear();
    this.#turns.set(channel, (turn + 1) % length);
    return turn;
  }
}

/** The sum of what was answered; where some hosts took the message and others did not, nobody can say who got it. */
function sumOf(group: string, results: ReadonlyArray<PromiseSettledResult<number>>): number {
  let sum = 0;
  const failures: unknown[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") sum += result.value;
    else failures.push(result.reason);
  }
  if (failures.length === 0) return sum;
  const [first] = failures;
  if (failures.length === results.length && failures.every((error) => !isMillraceError(error, "ERR_OUTCOME_UNKNOWN"))) {
    throw first;
  }
  throw new MillraceError("ERR_OUTCOME_UNKNOWN", {
    happened: `${failures.length} of ${results.length} hosts failed while a message was sent to the group ${group}`,
    remedy: "Send again only what does no harm when it arrives twice",
    cause: first,
  });
}
