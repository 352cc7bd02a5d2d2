import type { Receive } from "../protocol/application.ts";
import type { Connection } from "../protocol/connection.ts";
import { MillraceError } from "../protocol/errors.ts";
import type { Outgoing } from "../protocol/events.ts";
import { isNoRoute, NoRoute } from "../protocol/no-route.ts";
import type { Params, RequestScope, Routing, Scope } from "../protocol/scope.ts";
import { type Capture, emptyParams } from "./pattern.ts";
import type { CompiledRoute } from "./route.ts";

/** A connection whose scope has a path. */
export type RoutedConnection = Connection<RequestScope & Scope>;

/** `undefined` says that there is no route behind this one after all. */
type Entered = Receive | undefined;

/**
 * Calls a route's application for a path that its pattern matched. Whatever the application throws
 * but a router's own `NoRoute` is thrown on.
 */
export function enter(
  connection: RoutedConnection,
  route: CompiledRoute,
  capture: Capture,
): Entered | Promise<Entered> {
  if (route.taking === undefined && !capture.complete) return probe(connection, route, capture);
  const claim = connection.scope.routing?.claim;
  if (route.taking === "front") {
    return call(connection, route, scopeBehind(connection.scope, route, capture, claim));
  }
  claim?.(true);
  return call(connection, route, scopeBehind(connection.scope, route, capture));
}

/**
 * Calls a function that stands behind the front of a path. A middleware leads to a router, which
 * claims the connection when it has a route; any other application was not meant, and until there
 * is a claim nothing that it sends gets out.
 */
function probe(connection: RoutedConnection, route: CompiledRoute, capture: Capture): Entered | Promise<Entered> {
  let claimed = false;
  const outer = connection.scope.routing?.claim;
  const claim = (matched: boolean): void => {
    claimed = matched;
    outer?.(matched);
  };
  const send = (event: Outgoing): boolean => {
    if (claimed) return connection.send(event);
    throw new NoRoute(`${route.pattern.shown} leads to no router that goes on with the path`, []);
  };
  const scope = scopeBehind(connection.scope, route, capture, claim);
  const entered = call(connection, route, scope, send);
  if (isPromise(entered)) return entered.then((receive) => (claimed ? receive : undefined));
  return claimed ? entered : undefined;
}

function call(
  connection: RoutedConnection,
  route: CompiledRoute,
  scope: Scope,
  send?: (event: Outgoing) => boolean,
): Entered | Promise<Entered> {
  const fallBack = (error: unknown): undefined => {
    if (!isNoRoute(error)) throw error;
    connection.scope.routing?.claim?.(false);
  };
  try {
    const receive = route.application(connection.with(send === undefined ? { scope } : { scope, send }));
    return isPromise(receive) ? receive.then((entered) => checked(entered, route), fallBack) : checked(receive, route);
  } catch (error) {
    return fallBack(error);
  }
}

function checked(receive: Receive, { pattern }: CompiledRoute): Receive {
  if (typeof receive === "function") return receive;
  throw new MillraceError("ERR_INVALID_ROUTE", {
    happened: `What ${pattern.shown} leads to returned no function for the events`,
    got: receive,
    wanted: "an application, (connection) => (event) => …",
    remedy: "Wrap a request listener of Node in nodeListener",
  });
}

function scopeBehind(
  scope: RequestScope & Scope,
  route: CompiledRoute,
  { params, args, rest }: Capture,
  claim?: Routing["claim"],
): Scope {
  return {
    ...scope,
    params: merge(scope.params, params, route.params),
    args: args.length === 0 ? scope.args : Object.freeze([...scope.args, ...args]),
    routing: claim === undefined ? { remaining: rest } : { remaining: rest, claim },
  };
}

/** An inner route's win over an outer's, and a route's own over what it captured. What was captured is the route's alone. */
function merge(outer: Params, captured: Params, own: Params): Params {
  if (isEmpty(outer) && isEmpty(own)) return Object.freeze(captured);
  return Object.freeze(Object.assign(emptyParams(), outer, captured, own));
}

function isEmpty(params: Params): boolean {
  for (const _ in params) return false;
  return true;
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value;
}
