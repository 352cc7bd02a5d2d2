import { MillraceError } from "../protocol/errors.ts";
import { decodedPath, encodedLength, withoutSlash } from "./canonical-path.ts";
import { type Capture, emptyParams, noArgs, noParams, type Pattern } from "./pattern.ts";

/**
 * Makes a pattern of a regular expression. It is searched for in the decoded path, first without
 * the slash at its front, then with it; the flags `g` and `y` mean nothing to it.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` for something else than an expression.
 */
export function regexpPattern(expression: RegExp): Pattern {
  if (!(expression instanceof RegExp)) {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "That is no regular expression",
      got: expression,
      wanted: "one such as /^x1\\/$/",
      remedy: "Use path for a pattern in a string",
    });
  }
  // With either flag an expression remembers where it stopped, and would miss every second connection.
  const regexp = new RegExp(expression.source, expression.flags.replace(/[gy]/g, ""));
  return {
    shown: `(${expression.source.replaceAll(String.raw`\/`, "/")})`,
    match(remaining, front) {
      const path = decodedPath(remaining);
      return search(regexp, path, 0, remaining, front) ?? search(regexp, `/${path}`, 1, remaining, front);
    },
  };
}

/** @param lead is how many characters stand before the remaining path. */
function search(regexp: RegExp, path: string, lead: number, remaining: string, front: boolean): Capture | undefined {
  const found = regexp.exec(path);
  if (found === null) return undefined;
  const end = front ? encodedLength(remaining, Math.max(0, found.index + found[0].length - lead)) : remaining.length;
  if (end === undefined) return undefined;
  return { ...groups(found), rest: end === 0 ? remaining : withoutSlash(remaining.slice(end)), complete: true };
}

/** By name where a group has a name, and by position where none has. */
function groups(found: RegExpExecArray): Pick<Capture, "params" | "args"> {
  if (found.groups === undefined) return { params: noParams, args: positional(found) };
  const params = emptyParams();
  for (const [name, value] of Object.entries<string | undefined>(found.groups)) {
    if (value !== undefined) params[name] = value;
  }
  return { params, args: noArgs };
}

function positional(found: readonly (string | undefined)[]): string[] {
  return found.slice(1).map((value) => value ?? "");
}
