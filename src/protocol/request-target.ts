import { MillraceError } from "./errors.ts";

/** The parts of a request's target that a scope holds. */
export interface RequestTarget {
  readonly path: string;
  readonly rawPath: string;
  readonly queryString: string;
}

/**
 * Takes a request's target apart, in origin form (`/a?b`) or in absolute form (`http://host/a?b`).
 * A fragment is dropped, as a client should have done.
 *
 * @throws MillraceError `ERR_INVALID_PATH` for a malformed percent sign.
 */
export function parseRequestTarget(target: string): RequestTarget {
  const fragment = target.indexOf("#");
  const beforeFragment = fragment === -1 ? target : target.slice(0, fragment);
  const relative = beforeFragment.startsWith("/")
    ? beforeFragment
    : beforeFragment.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  const mark = relative.indexOf("?");
  const rawPath = (mark === -1 ? relative : relative.slice(0, mark)) || "/";
  const queryString = mark === -1 ? "" : relative.slice(mark + 1);
  try {
    return { path: decodeURIComponent(rawPath), rawPath, queryString };
  } catch (cause) {
    throw new MillraceError("ERR_INVALID_PATH", {
      happened: "The path has a malformed percent sign",
      got: rawPath,
      wanted: "UTF-8 that is percent-encoded",
      cause,
    });
  }
}
