import type { Application, ApplicationLike } from "./application.ts";
import type { Protocol } from "./scope.ts";

/** One row of an application's table of routes. */
export interface RouteDescription {
  /** `undefined` where no protocol router stands above. */
  readonly protocol: Protocol | undefined;
  /** The pattern, or the channel's name; `""` where every one matches. */
  readonly pattern: string;
  /** The consumer's class or the function at the end. */
  readonly target: string;
  /** The consumer's class, where the target is one. */
  readonly consumer?: new () => object;
}

const describeSymbol: unique symbol = Symbol.for("millrace.describe");

/** Lets an application tell its routes. */
export function describedBy<A extends Application>(application: A, rows: () => RouteDescription[]): A {
  return Object.defineProperty(application, describeSymbol, { value: rows });
}

/**
 * The routes of an application, as far as it tells them. A function of its own is one row under its
 * name, and so is a middleware with all that stands behind it, unless it says so by `wraps`.
 */
export function describeRoutes(application: ApplicationLike): RouteDescription[] {
  // What stands under the symbol was put there by `describedBy`.
  const rows = (application as { [describeSymbol]?: () => RouteDescription[] })[describeSymbol];
  if (rows !== undefined) return rows();
  const name = typeof application === "function" ? application.name : "";
  return [{ protocol: undefined, pattern: "", target: name === "" ? "a function" : name }];
}
