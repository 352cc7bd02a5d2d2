import type { IncomingMessage, ServerResponse } from "node:http";
import type { Scope } from "./scope.ts";

/** Node's own request and response behind an http scope. */
export interface NodeExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /**
   * Takes the exchange over, while the application is called: the transport then neither reads the
   * request nor answers, and hands on one `http.request` without a body.
   */
  takeOver(): void;
}

/** Where a server keeps the exchange in a scope; a derived scope that is copied keeps it. */
export const nodeExchangeSymbol: unique symbol = Symbol.for("millrace.nodeExchange");

/** The exchange behind a scope; only a server's http scope has one. */
export function nodeExchange(scope: Scope): NodeExchange | undefined {
  return (scope as { [nodeExchangeSymbol]?: NodeExchange })[nodeExchangeSymbol];
}
