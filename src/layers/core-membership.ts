import type { MillraceError } from "../protocol/errors.ts";
import { isLoss, refused, replyError } from "../redis/faults.ts";
import type { Link } from "../redis/link.ts";
import type { Shards } from "../redis/shards.ts";
import type { CoreKeys } from "./core-keys.ts";
import { register, unregister } from "./core-scripts.ts";

/** How many memberships one script renews. */
const batchSize = 500;

interface Membership {
  readonly group: string;
  readonly member: string;
  /** Settles when Redis has it. */
  entered: Promise<void>;
  /** Whether Redis has had it, so that it is a loss when it has it no more. */
  established: boolean;
}

/** The options of {@link Memberships}. Times are in milliseconds. */
export interface MembershipSettings {
  readonly groupExpiry: number;
  /** How long a membership lasts that nobody renews. */
  readonly lease: number;
}

/** What {@link Memberships} tell. */
export interface MembershipOwner {
  /** Redis had lost memberships that had been there at `since`; they are entered again. */
  membershipsLost(since: number): void;
  /** All memberships on a host are as they should be. */
  hostRestored(index: number): void;
  /** Something failed of which no caller hears. */
  failed(thrown: unknown): void;
}

/**
 * The memberships of this process in Redis, which it renews for as long as it lives: those of a
 * process that died go within the lease.
 */
export class Memberships {
  readonly #links: Shards<Link>;
  readonly #keys: CoreKeys;
  readonly #settings: MembershipSettings;
  readonly #owner: MembershipOwner;
  // By group and member; neither has a space in its name.
  readonly #all = new Map<string, Membership>();
  readonly #renewed: number[];
  #timer: NodeJS.Timeout | undefined;

  constructor(links: Shards<Link>, keys: CoreKeys, settings: MembershipSettings, owner: MembershipOwner) {
    this.#links = links;
    this.#keys = keys;
    this.#settings = settings;
    this.#owner = owner;
    this.#renewed = Array.from(links, () => Date.now());
  }

  get size(): number {
    return this.#all.size;
  }

  /** Settles when Redis has it; when that fails it is as if it had not been asked for. */
  enter(group: string, member: string): Promise<void> {
    const id = `${group} ${member}`;
    const known = this.#all.get(id);
    if (known !== undefined) return known.entered;
    const membership: Membership = { group, member, established: false, entered: Promise.resolve() };
    this.#all.set(id, membership);
    membership.entered = this.#enter(this.#links.for(group), membership).then(
      () => void (membership.established = true),
      (error: unknown) => {
        if (this.#all.get(id) === membership) this.#all.delete(id);
        throw error;
      },
    );
    this.#timer ??= this.#startRenewing();
    return membership.entered;
  }

  /** Enters a member that is not this process's own, for groupExpiry. */
  async enterForeign(group: string, member: string): Promise<void> {
    const { groupExpiry } = this.#settings;
    const values = [member, 0, wholeSeconds(groupExpiry)];
    const { failure } = await runRegister(this.#links.for(group), [this.#keys.group(group)], values);
    if (failure !== undefined) throw failure;
  }

  /** Says whether the process had entered it; if so, it will no longer renew it. */
  forget(group: string, member: string): boolean {
    const known = this.#all.delete(`${group} ${member}`);
    if (this.#all.size === 0) this.#stopRenewing();
    return known;
  }

  /** Removes members of a group, whoever entered them. */
  async remove(group: string, members: readonly string[]): Promise<void> {
    await this.#links.for(group).call("ZREM", this.#keys.group(group), ...members);
  }

  /** Enters again all that should be on a host. What fails is told, and tried again when memberships are next renewed. */
  async restore(index: number): Promise<void> {
    const asked = Date.now();
    try {
      const { lost, failure } = await this.#registerAll(this.#links.at(index), this.#of(index));
      if (lost) this.#owner.membershipsLost(this.#renewed[index] ?? asked);
      if (failure !== undefined) return this.#owner.failed(failure);
      this.#renewed[index] = asked;
      this.#owner.hostRestored(index);
    } catch (error) {
      // When the link is up again, all are entered again.
      if (!isLoss(error)) this.#owner.failed(error);
    }
  }

  /** Stops renewing, and takes all out of Redis where Redis is there. */
  async close(): Promise<void> {
    this.#stopRenewing();
    const left = [];
    for (const [index, link] of [...this.#links].entries()) {
      if (link.up) left.push(...batchesOf(this.#of(index)).map((batch) => this.#unregister(link, batch)));
    }
    this.#all.clear();
    await Promise.all(left);
  }

  async #enter(link: Link, membership: Membership): Promise<void> {
    const { failure } = await this.#register(link, [membership]);
    if (failure !== undefined) throw failure;
  }

  #of(index: number): readonly Membership[] {
    return [...this.#all.values()].filter(({ group }) => this.#links.indexFor(group) === index);
  }

  #startRenewing(): NodeJS.Timeout {
    this.#renewed.fill(Date.now());
    return setInterval(() => this.#renew(), this.#settings.lease / 3).unref();
  }

  #stopRenewing(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #renew(): void {
    for (let index = 0; index < this.#links.length; index++) {
      // One that is away gets all of them when it is back.
      if (this.#links.at(index).up) void this.restore(index);
    }
  }

  /** Says whether Redis had lost one, and why it refuses one. */
  async #registerAll(link: Link, memberships: readonly Membership[]): Promise<Registered & { readonly lost: boolean }> {
    const established = memberships.map((membership) => membership.established);
    const answers = await Promise.all(batchesOf(memberships).map((batch) => this.#register(link, batch)));
    const added = answers.flatMap((answer) => answer.added);
    return {
      added,
      lost: added.some((wasAdded, at) => wasAdded === 1 && established[at] === true),
      failure: answers.find(({ failure }) => failure !== undefined)?.failure,
    };
  }

  async #register(link: Link, memberships: readonly Membership[]): Promise<Registered> {
    const { groupExpiry, lease } = this.#settings;
    const keys = memberships.map(({ group }) => this.#keys.group(group));
    const members = memberships.map(({ member }) => member);
    const age = ((groupExpiry - lease) / 1000).toFixed(6);
    return runRegister(link, keys, [...members, age, wholeSeconds(groupExpiry)]);
  }

  async #unregister(link: Link, memberships: readonly Membership[]): Promise<void> {
    const keys = memberships.map(({ group }) => this.#keys.group(group));
    try {
      await unregister.run(
        link,
        keys,
        memberships.map(({ member }) => member),
      );
    } catch (error) {
      this.#owner.failed(error);
    }
  }
}

/** What became of memberships that Redis was asked to have. */
interface Registered {
  /** For each 1 when Redis did not have it. */
  readonly added: readonly unknown[];
  /** Why it refuses one. */
  readonly failure: MillraceError | undefined;
}

async function runRegister(
  link: Link,
  keys: readonly string[],
  values: ReadonlyArray<string | number>,
): Promise<Registered> {
  // An array of numbers and, perhaps, an error's text, as the script says.
  const [added, failure] = (await register.run(link, keys, values)) as readonly [readonly unknown[], string?];
  return { added, failure: failure === undefined ? undefined : refused(link.address, replyError(failure), "ZADD") };
}

/** Milliseconds in whole seconds, which is what EXPIRE takes. */
export function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

function batchesOf<T>(items: readonly T[]): ReadonlyArray<readonly T[]> {
  const batches: Array<readonly T[]> = [];
  for (let at = 0; at < items.length; at += batchSize) batches.push(items.slice(at, at + batchSize));
  return batches;
}
