import { type Key, parse, pathToRegexp, type Token } from "path-to-regexp";
import { MillraceError } from "../protocol/errors.ts";
import { canonicalPath, withoutSlash } from "./canonical-path.ts";
import { type Capture, emptyParams, noArgs, noParams, type Pattern } from "./pattern.ts";

/** A pattern without groups: one of those that its groups stand for. */
type Alternative = ReadonlyArray<Exclude<Token, { type: "group" }>>;

const options = { sensitive: true, trailing: false } as const;

/** The name under which the rest of a path is captured. No pattern can give it to a parameter. */
const restName = "";

/**
 * Compiles a path pattern, as `path-to-regexp` writes them. What is written is what matches: case
 * and the slash at the end count, the slash at the front does not.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE`.
 */
export function pathPattern(pattern: string): Pattern {
  checkSpelling(pattern);
  try {
    const alternatives = expand(pattern);
    const whole = compile(alternatives, true);
    const front = compile(alternatives.flatMap(withRest), false);
    return {
      shown: `/${withoutSlash(pattern)}`,
      match: (remaining, takesFront) => whole(remaining) ?? (takesFront ? front(remaining) : undefined),
    };
  } catch (error) {
    throw invalidPattern(pattern, error);
  }
}

function expand(pattern: string): Alternative[] {
  const { tokens } = parse(pattern, { encodePath: canonicalPath });
  // It says what is wrong, and refuses a pattern that stands for too many to be expanded.
  pathToRegexp({ tokens, originalPath: pattern }, options);
  const alternatives = flatten(tokens).map(withoutLeadingSlash);
  for (const alternative of alternatives) checkNames(alternative);
  return alternatives;
}

/** In the order in which `path-to-regexp` tries them: with a group first, then without it. */
function flatten(tokens: readonly Token[]): Alternative[] {
  const [first, ...others] = tokens;
  if (first === undefined) return [[]];
  const tails = flatten(others);
  if (first.type !== "group") return tails.map((tail) => [first, ...tail]);
  return [...flatten(first.tokens).flatMap((head) => tails.map((tail) => [...head, ...tail])), ...tails];
}

function withoutLeadingSlash(alternative: Alternative): Alternative {
  const [first, ...others] = alternative;
  if (first?.type !== "text" || !first.value.startsWith("/")) return alternative;
  const value = first.value.slice(1);
  return value === "" ? others : [{ type: "text", value }, ...others];
}

/** The same with a rest behind it that begins at a slash. */
function withRest(alternative: Alternative): Alternative[] {
  const last = alternative.at(-1);
  const rest = { type: "wildcard", name: restName } as const;
  if (last === undefined || (last.type === "text" && last.value.endsWith("/"))) return [[...alternative, rest]];
  const slash = { type: "text", value: "/" } as const;
  return [
    [...alternative, slash],
    [...alternative, slash, rest],
  ];
}

function compile(alternatives: readonly Alternative[], complete: boolean): (remaining: string) => Capture | undefined {
  const { regexp, keys } = pathToRegexp(
    alternatives.map((tokens) => ({ tokens })),
    options,
  );
  return (remaining) => {
    const found = regexp.exec(remaining);
    return found === null ? undefined : capture(found, keys, complete);
  };
}

function capture(found: RegExpExecArray, keys: readonly Key[], complete: boolean): Capture | undefined {
  if (keys.length === 0) return { params: noParams, args: noArgs, rest: "", complete };
  const params = emptyParams();
  let rest = "";
  try {
    for (const [index, { name, type }] of keys.entries()) {
      const value = found[index + 1];
      if (value === undefined) continue;
      if (name === restName) rest = value;
      else params[name] = type === "param" ? decodeURIComponent(value) : value.split("/").map(decodeURIComponent);
    }
  } catch {
    // A literal behind a parameter was found inside an encoded character.
    return undefined;
  }
  return { params, args: noArgs, rest, complete };
}

function namesOf(alternative: Alternative): string[] {
  return alternative.flatMap((token) => (token.type === "text" ? [] : [token.name]));
}

function checkNames(alternative: Alternative): void {
  const names = namesOf(alternative);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new TypeError(`The parameter ${twice} appears twice`);
}

function checkSpelling(pattern: unknown): asserts pattern is string {
  if (typeof pattern !== "string") {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "That is no path pattern",
      got: pattern,
      wanted: 'a string such as "/ws/chat/:room/"',
      ...(pattern instanceof RegExp ? { remedy: "Use rePath for a regular expression" } : {}),
    });
  }
  const converter = /<(?:\w+:)?(\w+)>/.exec(pattern);
  if (converter !== null) throw foreignSpelling(pattern, `Write :${converter[1] ?? ""} for ${converter[0]}`);
  if (pattern.startsWith("^")) throw foreignSpelling(pattern, "Use rePath for a regular expression");
}

function foreignSpelling(pattern: string, remedy: string): MillraceError {
  return new MillraceError("ERR_INVALID_ROUTE", { happened: "That pattern would match no path", got: pattern, remedy });
}

/** What `path-to-regexp` complains of most, and what the writer most likely meant. */
const remedies: ReadonlyArray<readonly [reason: RegExp, remedy: string]> = [
  [/^Unexpected \?/, "Put an optional part in braces: {/:id} instead of /:id?"],
  [/^Unexpected [()[\]+!]/, "Use rePath for a regular expression, or put a backslash before the sign"],
  [/^Missing parameter name/, "A parameter is :name and a wildcard is *name; put a backslash before a colon or star"],
  [/^Missing text before/, "Put a slash or other text between two parameters"],
  [/percent sign/, "Write %25 for a percent sign"],
];

function invalidPattern(pattern: string, cause: unknown): MillraceError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = message.replace(/: [^]*$|; [^]*$/, "");
  const remedy = remedies.find(([complaint]) => complaint.test(reason))?.[1];
  return new MillraceError("ERR_INVALID_ROUTE", {
    happened: `The pattern ${JSON.stringify(pattern)} can't be read: ${reason}`,
    ...(remedy === undefined ? {} : { remedy }),
    cause,
  });
}
