import { type Application, type ApplicationLike, toApplication } from "./application.ts";
import { describedBy, describeRoutes } from "./description.ts";

/**
 * How much of a path a route must match before it calls an application: all of it, or only its
 * front, because the application is a router that goes on with the rest.
 */
export type PathTaking = "whole" | "front";

const pathTakingSymbol: unique symbol = Symbol.for("millrace.pathTaking");

/** What is known of an application; `undefined` for a function that may be a middleware before a router. */
export function pathTaking(application: Application): PathTaking | undefined {
  // What stands under the symbol was put there by `mark`.
  return (application as { [pathTakingSymbol]?: PathTaking })[pathTakingSymbol];
}

/** Says that an application stands at the end of a route. */
export function takesWholePath<A extends Application>(application: A): A {
  return mark(application, "whole");
}

/** Says that an application is a router, which goes on with the rest of the path. */
export function takesRestOfPath<A extends Application>(application: A): A {
  return mark(application, "front");
}

/**
 * Says what a middleware stands before, so that tables of routes show the routes behind it, and
 * routes treat it as they would treat what it wraps.
 *
 * A middleware works without it: routes then find out by calling it, and tables show its name.
 *
 * @param inner is what the middleware calls.
 * @returns the middleware itself.
 * @example
 * ```ts
 * function greeted(inner: ApplicationLike): Application {
 *   const application = toApplication(inner);
 *   return wraps(application, (connection) =>
 *     application(connection.with({ scope: { ...connection.scope, greeting: "hello" } })),
 *   );
 * }
 * ```
 */
export function wraps<A extends Application>(inner: ApplicationLike, middleware: A): A {
  const application = toApplication(inner);
  const taking = pathTaking(application);
  if (taking !== undefined) mark(middleware, taking);
  return describedBy(middleware, () => describeRoutes(application));
}

function mark<A extends Application>(application: A, taking: PathTaking): A {
  return Object.defineProperty(application, pathTakingSymbol, { value: taking });
}
