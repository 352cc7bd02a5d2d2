import { STATUS_CODES } from "node:http";
import type { Connection } from "../protocol/connection.ts";
import { reportError } from "../protocol/diagnostics.ts";
import { isMillraceError, toError } from "../protocol/errors.ts";
import { isNoRoute } from "../protocol/no-route.ts";

/** How a request is refused. */
export interface Refusal {
  readonly status: number;
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  /** @default the status in words, as plain text */
  readonly body?: string | Uint8Array;
  /** For the diagnostics, not for the client. */
  readonly reason: string;
}

/** How a request is answered whose application could not be called. A failure is reported, a missing route is not. */
export function refusalFor(thrown: unknown, connection: Connection): Refusal {
  const error = toError(thrown);
  if (isNoRoute(thrown)) return { status: 404, reason: error.message };
  if (isMillraceError(thrown, "ERR_INVALID_PATH")) return { status: 400, reason: error.message };
  reportError(connection, error, "");
  return { status: isMillraceError(thrown, "ERR_WRONG_PROTOCOL") ? 404 : 500, reason: error.message };
}

/** A status in words: the body of an answer that has none of its own. */
export function statusText(status: number): string {
  return `${STATUS_CODES[status] ?? status}\n`;
}
