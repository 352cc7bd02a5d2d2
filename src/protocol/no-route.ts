import { MillraceError } from "./errors.ts";

const brand: unique symbol = Symbol.for("millrace.noRoute");

/**
 * A router's own answer that nothing matches. Routers fall back on this one alone: an application's
 * error of the same code is the application's affair. It is not part of the public surface, so
 * that nobody else can throw it by accident.
 */
export class NoRoute extends MillraceError {
  readonly [brand] = true;

  constructor(happened: string, tried: readonly string[], suggestion = "") {
    super("ERR_NO_ROUTE", {
      happened: `${happened}${suggestion}`,
      wanted: tried.length === 0 ? "a route, but there is none" : `one of ${tried.join(", ")}`,
    });
  }
}

/** Tells a router's own {@link NoRoute} from everything else that can be caught. */
export function isNoRoute(caught: unknown): caught is NoRoute {
  return typeof caught === "object" && caught !== null && brand in caught;
}
