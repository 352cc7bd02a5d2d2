import { show } from "../protocol/errors.ts";
import { NoRoute } from "../protocol/no-route.ts";
import { nearest } from "../protocol/suggestion.ts";
import { decodedPath } from "./canonical-path.ts";

const listed = 20;
const longestCompared = 200;

/**
 * The error for a path without a route.
 *
 * @param remaining is what the router was to match, without the slash that led it.
 * @param patterns are all that it knows.
 * @param outermost is true where nobody falls back any more, so that it pays to look for the
 *   pattern that was meant.
 */
export function noRouteFor(remaining: string, patterns: readonly string[], outermost: boolean): NoRoute {
  const path = `/${decodedPath(remaining)}`;
  const more = patterns.length - listed;
  const tried = more > 0 ? [...patterns.slice(0, listed), `${more} more`] : patterns;
  const meant = outermost && path.length <= longestCompared ? nearestPattern(path, patterns) : undefined;
  return new NoRoute(
    `No route matches the path ${show(path)}`,
    tried,
    meant === undefined ? "" : `; did you mean "${meant}"?`,
  );
}

/** Parameters count as if they had captured the path's segment at their place. */
function nearestPattern(path: string, patterns: readonly string[]): string | undefined {
  const segments = path.split("/");
  const candidates = new Map<string, string>();
  for (const pattern of patterns) {
    const filled = pattern.split("/").map((part, at) => (/[:*{(]/.test(part) ? (segments[at] ?? part) : part));
    const candidate = filled.join("/");
    // Another length is another path, and comparing costs time that strangers could make us spend.
    if (Math.abs(candidate.length - path.length) <= path.length / 3) candidates.set(candidate, pattern);
  }
  return candidates.get(nearest(path, candidates.keys()) ?? "");
}
