import type { Application, ApplicationSource } from "../protocol/application.ts";
import type { RouteDescription } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { type PathTaking, pathTaking } from "../protocol/path-taking.ts";
import type { Params, Scope } from "../protocol/scope.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import type { PathCheck } from "./path-check.ts";
import { pathPattern } from "./path-pattern.ts";
import { joinShown, type Pattern } from "./pattern.ts";
import { regexpPattern } from "./regexp-pattern.ts";
import { type RouteTarget, rowsBehind, targetOf } from "./target.ts";

/** What a route may be given beside its target. */
export interface RouteOptions<Extra extends Params = Params> {
  /** Parameters of the route's own. They win over captured ones of the same name. */
  readonly params?: Extra;
}

const routeSymbol: unique symbol = Symbol.for("millrace.route");

/** A pattern and what it leads to, for a `URLRouter`. It comes from `path` or `rePath`. */
export interface Route {
  /** The pattern as tables and errors show it. */
  readonly pattern: string;
  /** @internal */
  readonly [routeSymbol]: CompiledRoute;
}

/** What a router needs of a route. */
export interface CompiledRoute {
  readonly pattern: Pattern;
  readonly application: Application;
  /** `undefined` for a function that may be a middleware before a router. */
  readonly taking: PathTaking | undefined;
  readonly params: Params;
}

/**
 * Routes a path to an application: `path("/ws/chat/:room/", ChatConsumer)`. A name behind a colon
 * captures one segment, `*rest` captures several as a list, and what stands in braces may be
 * absent. Case and the slash at the end count; the slash at the front does not. Both the pattern
 * and the path are compared percent-decoded, segment by segment, and parameters are decoded once.
 *
 * Where the target is a router, the pattern need only match the front of the path, up to a slash,
 * and the router goes on with the rest. The same holds where a middleware stands before the
 * router; a function is asked by calling it. What it sends before an inner router has found a
 * route is held to be a sign that there is none, so a function that is not a middleware is never
 * reached by a path that goes on.
 *
 * @param target is a consumer's class, a router, a middleware or any other application. A class
 *   that names its path does not compile under a route that captures less.
 * @throws MillraceError `ERR_INVALID_ROUTE` or `ERR_INVALID_OPTION`.
 */
export function path<
  const Path extends string,
  Source extends ApplicationSource,
  S extends Scope = Scope,
  const Extra extends Params = never,
>(
  pattern: Path,
  target: Application<S> | (Source & PathCheck<Path, Source, Extra>),
  options: RouteOptions<Extra> = {},
): Route {
  return toRoute(pathPattern(pattern), target, options);
}

/**
 * Routes a path to an application by a regular expression, as Django's `re_path` does: it is
 * searched for in the path without the slash at its front, then in the path with it, so anchor it
 * with `^` and `$`. Named groups give `params`; where there are none, the others give `args`, as
 * `""` where a group took no part. The path is percent-decoded, encoded slashes too.
 *
 * A router, or a function that may be a middleware before one, gets the path behind the match.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` or `ERR_INVALID_OPTION`.
 */
export function rePath<S extends Scope = Scope>(
  expression: RegExp,
  target: RouteTarget<S>,
  options: RouteOptions = {},
): Route {
  return toRoute(regexpPattern(expression), target, options);
}

/**
 * What a router needs of a route.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` when it is none.
 */
export function compiledRoute(route: Route): CompiledRoute {
  if (typeof route === "object" && route !== null && routeSymbol in route) return route[routeSymbol];
  throw new MillraceError("ERR_INVALID_ROUTE", {
    happened: "That is no route",
    got: route,
    wanted: "path(pattern, target) or rePath(expression, target)",
    remedy: Array.isArray(route)
      ? "Spread the list, or give it a path of its own: path(pattern, URLRouter(list))"
      : "To include other routes, give them a path of their own: path(pattern, URLRouter(list))",
  });
}

/** The rows of a route in a table. */
export function describeRoute({ pattern, application }: CompiledRoute): RouteDescription[] {
  return rowsBehind(application, (row) => ({ pattern: joinShown(pattern.shown, row.pattern) }));
}

function toRoute<S extends Scope>(pattern: Pattern, target: RouteTarget<S>, options: RouteOptions): Route {
  const application = targetOf(target, `The route ${pattern.shown}`);
  const params = checkOptions(options);
  return { pattern: pattern.shown, [routeSymbol]: { pattern, application, taking: pathTaking(application), params } };
}

function checkOptions(options: unknown): Params {
  if (typeof options !== "object" || options === null) throw invalidOption("A route's options", options, "an object");
  for (const name of Object.keys(options)) {
    if (name === "params") continue;
    throw invalidOption(`A route has no option ${name}${didYouMean(name, ["params"])}`, options, "{ params }");
  }
  const { params = {} }: { params?: unknown } = options;
  if (typeof params !== "object" || params === null) throw invalidOption("A route's params", params, "an object");
  for (const [name, value] of Object.entries(params)) {
    if (typeof value === "string" || isTexts(value)) continue;
    throw invalidOption(`A route's parameter ${name}`, value, "a string or a list of strings");
  }
  // Every value was just seen to be one that parameters may have.
  return params as Params;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalidOption(happened: string, got: unknown, wanted: string): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened, got, wanted });
}
