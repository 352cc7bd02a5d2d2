import type { Application, Receive } from "../protocol/application.ts";
import type { Connection } from "../protocol/connection.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError, show } from "../protocol/errors.ts";
import { NoRoute } from "../protocol/no-route.ts";
import { takesRestOfPath } from "../protocol/path-taking.ts";
import type { RequestScope, Scope } from "../protocol/scope.ts";
import { type Callable, callable } from "./callable.ts";
import { belowRoot, canonicalPath } from "./canonical-path.ts";
import { enter } from "./enter.ts";
import { noRouteFor } from "./no-match.ts";
import { type CompiledRoute, compiledRoute, describeRoute, type Route } from "./route.ts";

/**
 * Dispatches by path to the first route that matches, with what it captured in `scope.params` and
 * `scope.args`. Routers nest: what an inner one captures is added, and wins. When an inner router
 * has no route, the outer one goes on with its next.
 *
 * The outermost router matches below `scope.rootPath`. A router answers synchronously when all that
 * it leads to does. A path without a route ends in `ERR_NO_ROUTE`, and one that can't be decoded in
 * `ERR_INVALID_PATH`.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` for something in the list that is no route.
 */
export const URLRouter: Callable<[routes: readonly Route[]], Application> = callable(function URLRouter(
  routes: readonly Route[],
): Application {
  if (!Array.isArray(routes)) {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "URLRouter takes a list of routes",
      got: routes,
      wanted: "[path(pattern, target), …]",
    });
  }
  const table = new RouteTable(routes.map((route: Route) => compiledRoute(route)));
  const router: Application = (connection) => new Search(table, connection).from(0);
  return describedBy(takesRestOfPath(router), () => table.routes.flatMap(describeRoute));
});

class RouteTable {
  readonly routes: readonly CompiledRoute[];
  #patterns: readonly string[] | undefined;

  constructor(routes: readonly CompiledRoute[]) {
    this.routes = routes;
  }

  /** The patterns with those of inner routers. */
  get patterns(): readonly string[] {
    return (this.#patterns ??= [...new Set(this.routes.flatMap(describeRoute).map(({ pattern }) => pattern))]);
  }
}

/** The search for one connection's route. */
class Search {
  readonly #table: RouteTable;
  readonly #connection: Connection<RequestScope & Scope>;
  readonly #remaining: string;

  constructor(table: RouteTable, connection: Connection) {
    if (!isRequest(connection)) {
      throw new NoRoute(`A URLRouter has no route for ${connection.scope.type}, which has no path`, table.patterns);
    }
    this.#table = table;
    this.#connection = connection;
    this.#remaining = remainingPath(connection.scope, table);
  }

  /** Goes on with the routes from a place in the table. */
  from(first: number): Receive | Promise<Receive> {
    const { routes } = this.#table;
    for (let index = first; index < routes.length; index++) {
      const route = routes[index];
      const capture = route?.pattern.match(this.#remaining, route.taking !== "whole");
      if (route === undefined || capture === undefined) continue;
      const receive = enter(this.#connection, route, capture);
      if (receive === undefined) continue;
      if (typeof receive === "function") return receive;
      return receive.then((entered) => entered ?? this.from(index + 1));
    }
    throw noRouteFor(this.#remaining, this.#table.patterns, this.#connection.scope.routing === undefined);
  }
}

/** A scope with a path is a request's, whatever its protocol. */
function isRequest(connection: Connection): connection is Connection<RequestScope & Scope> {
  return typeof connection.scope["rawPath"] === "string";
}

function remainingPath({ routing, rawPath, rootPath }: RequestScope, table: RouteTable): string {
  if (routing !== undefined) return routing.remaining;
  const path = canonicalPath(rawPath);
  const remaining = belowRoot(path, rootPath);
  if (remaining === undefined) {
    throw new NoRoute(`The path ${show(path)} is not below the root path ${rootPath}`, table.patterns);
  }
  return remaining;
}
