/** One channel on its way into a group. */
export interface PendingJoin {
  readonly key: string;
  /** Whether it was taken out again before it was in. */
  readonly revoked: boolean;
}

/**
 * Channels that are on their way into a group, while Redis has not answered: whoever takes one out
 * of the group in the meantime means that it does not get in.
 */
export class PendingJoins {
  readonly #joins = new Map<string, Set<Join>>();

  begin(group: string, channel: string): PendingJoin {
    const join = new Join(keyOf(group, channel));
    const others = this.#joins.get(join.key);
    if (others === undefined) this.#joins.set(join.key, new Set([join]));
    else others.add(join);
    return join;
  }

  end(join: PendingJoin): void {
    const joins = this.#joins.get(join.key);
    if (joins?.delete(join) === true && joins.size === 0) this.#joins.delete(join.key);
  }

  revoke(group: string, channel: string): void {
    const key = keyOf(group, channel);
    for (const join of this.#joins.get(key) ?? []) join.revoked = true;
    this.#joins.delete(key);
  }

  revokeAll(): void {
    for (const joins of this.#joins.values()) {
      for (const join of joins) join.revoked = true;
    }
    this.#joins.clear();
  }
}

class Join implements PendingJoin {
  readonly key: string;
  revoked = false;

  constructor(key: string) {
    this.key = key;
  }
}

/** Names have no blanks. */
function keyOf(group: string, channel: string): string {
  return `${group} ${channel}`;
}
