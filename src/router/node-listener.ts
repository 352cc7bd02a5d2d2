import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application } from "../protocol/application.ts";
import { describedBy } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { type NodeExchange, nodeExchange } from "../protocol/node-exchange.ts";
import { takesWholePath } from "../protocol/path-taking.ts";
import type { Scope } from "../protocol/scope.ts";

/** What Node calls for a request: an Express application, or a function. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * An http application out of a request listener of Node: `http: nodeListener(express)`. The
 * exchange is the listener's: it reads the body and answers. When it throws or rejects, the
 * request's event fails, and the server answers 500 if nothing was sent.
 *
 * The listener sees the request as it came, with the whole path in `request.url`. In a `URLRouter`
 * it stands at the end of a route: `path("/{*rest}", nodeListener(express))` gives it every path.
 *
 * It runs on a server only: a communicator has no exchange of Node's to give, and is answered with
 * `ERR_WRONG_PROTOCOL`.
 *
 * @throws MillraceError `ERR_INVALID_ROUTE` for something that can't be called.
 */
export function nodeListener(listener: NodeListener): Application {
  if (typeof listener !== "function") {
    throw new MillraceError("ERR_INVALID_ROUTE", {
      happened: "That is no request listener",
      got: listener,
      wanted: "a function (request, response) => void, such as an Express application",
    });
  }
  const application: Application = ({ scope }) => {
    const exchange = exchangeOf(scope);
    exchange.takeOver();
    let begun = false;
    return async ({ type }) => {
      if (begun || type !== "http.request") return;
      begun = true;
      await listener(exchange.request, exchange.response);
    };
  };
  const target = listener.name === "" ? "a Node listener" : listener.name;
  return describedBy(takesWholePath(application), () => [{ protocol: "http", pattern: "", target }]);
}

function exchangeOf(scope: Scope): NodeExchange {
  const exchange = nodeExchange(scope);
  if (exchange !== undefined) return exchange;
  throw new MillraceError("ERR_WRONG_PROTOCOL", {
    happened: "A Node listener needs Node's own request and response, which this scope does not carry",
    got: scope.type,
    wanted: "an http request that came through serve or attach",
    remedy: "Test it on a live server instead of by a communicator",
  });
}
