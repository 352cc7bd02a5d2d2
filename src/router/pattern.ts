import type { Params } from "../protocol/scope.ts";

/** What a pattern found in a path. */
export interface Capture {
  /** From {@link emptyParams}, or {@link noParams}. */
  readonly params: Params;
  readonly args: readonly string[];
  /** The path behind what was matched: canonical, without the slash that led it. */
  readonly rest: string;
  /** Whether the route may end here. If not, only a router can make use of it. */
  readonly complete: boolean;
}

/**
 * Params to be written. They have no prototype, so that no name finds what the path did not capture,
 * and `__proto__` is a name like any other.
 */
export function emptyParams(): Record<string, Params[string]> {
  // What Object.create makes without a prototype is a hash table, which takes several times the memory.
  return Object.setPrototypeOf({}, null) as Record<string, Params[string]>;
}

/** Nothing captured. */
export const noParams: Params = Object.freeze(emptyParams());
export const noArgs: readonly string[] = Object.freeze([]);

/** What a route compares paths with. */
export interface Pattern {
  /** How tables and errors show it. */
  readonly shown: string;
  /**
   * Compares it with what remains of a path.
   *
   * @param front is true where the front of the path is enough, for a router goes on with the rest.
   */
  match(remaining: string, front: boolean): Capture | undefined;
}

/** Patterns of an outer and an inner route as one; an expression is shown in parentheses. */
export function joinShown(outer: string, inner: string): string {
  const tail = inner.startsWith("/") ? inner.slice(1) : inner;
  return tail === "" || /[/)]$/.test(outer) ? `${outer}${tail}` : `${outer}/${tail}`;
}
