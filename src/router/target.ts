import { type Application, type ApplicationSource, toApplication } from "../protocol/application.ts";
import { describeRoutes, type RouteDescription } from "../protocol/description.ts";
import { isMillraceError, MillraceError } from "../protocol/errors.ts";
import type { Scope } from "../protocol/scope.ts";

/** What a route leads to: an application, for one protocol or for all, or what carries one. */
export type RouteTarget<S extends Scope = Scope> = Application<S> | ApplicationSource;

/**
 * The application behind a target.
 *
 * @param route is what the error calls the route.
 * @throws MillraceError `ERR_INVALID_ROUTE` when it is none.
 */
export function targetOf<S extends Scope>(target: RouteTarget<S>, route: string): Application {
  try {
    // A router calls it with whatever scope comes; that it is one of S is the writer's to see to.
    return toApplication(target as RouteTarget);
  } catch (cause) {
    if (!isMillraceError(cause, "ERR_INVALID_ROUTE")) throw cause;
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: `${route} leads to no application`,
      got: target,
      wanted: "a consumer's class, a router or a function (connection) => receive",
      cause,
    });
  }
}

/** The rows of an application's table, with what a router knows better. */
export function rowsBehind(
  application: Application,
  known: (row: RouteDescription) => Partial<RouteDescription>,
): RouteDescription[] {
  return describeRoutes(application).map((row) => Object.assign({}, row, known(row)));
}
