import type { Connection } from "./connection.ts";
import { MillraceError } from "./errors.ts";
import type { Incoming } from "./events.ts";
import type { Scope } from "./scope.ts";

/**
 * Takes one event. It may be called again before the last call is settled; the mailbox behind it
 * keeps the order. `undefined` means handled; a promise settles when that event is handled, and
 * rejects if its handler failed. A caller MUST handle a throw and a rejection.
 */
export type Receive = (event: Incoming) => void | Promise<void>;

/**
 * The one shape that runs through everything: it is called once for a connection, acquires nothing
 * yet, and answers with what takes the connection's events. Routers, middleware, consumers,
 * workers, transports and communicators all are, take or call one.
 */
export type Application<S extends Scope = Scope> = (connection: Connection<S>) => Receive | Promise<Receive>;

/** Marks what can be turned into an application: a consumer's class, for one. */
export const asApplicationSymbol: unique symbol = Symbol.for("millrace.asApplication");

/** What carries its own application. Routes take it as it is. */
export interface ApplicationSource {
  [asApplicationSymbol](): Application;
}

/** An application, or what carries one. */
export type ApplicationLike = Application | ApplicationSource;

/**
 * The application behind what a route was given.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` when it is none.
 */
export function toApplication(target: ApplicationLike): Application {
  if (isApplicationSource(target)) return target[asApplicationSymbol]();
  if (typeof target === "function" && !isClass(target)) return target;
  throw new MillraceError("ERR_INVALID_ROUTE", {
    happened: "That is no application",
    got: target,
    wanted: "a consumer's class, a router or a function (connection) => receive",
  });
}

/** Tells what carries an application from a plain one. */
export function isApplicationSource(target: unknown): target is ApplicationSource {
  return (
    ((typeof target === "object" && target !== null) || typeof target === "function") && asApplicationSymbol in target
  );
}

function isClass(target: (...args: never[]) => unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(target));
}
