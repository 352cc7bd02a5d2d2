import type { Application, Receive } from "../protocol/application.ts";
import type { Connection } from "../protocol/connection.ts";
import { MillraceError } from "../protocol/errors.ts";

/**
 * Calls an application. One of the two functions is called, once: at once when the application
 * answers at once, so that nothing is waited for without need. Neither may throw.
 */
export function callApplication(
  application: Application,
  connection: Connection,
  called: (receive: Receive) => void,
  failed: (thrown: unknown) => void,
): void {
  let answer: Receive | Promise<Receive>;
  try {
    answer = application(connection);
    if (typeof answer !== "function" && !isThenable(answer)) throw noReceive(answer);
  } catch (thrown) {
    failed(thrown);
    return;
  }
  if (typeof answer === "function") called(answer);
  else answer.then((receive) => (typeof receive === "function" ? called(receive) : failed(noReceive(receive))), failed);
}

/** Tells a promise, of whatever make, from what a function without types may return instead. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function noReceive(got: unknown): MillraceError {
  return new MillraceError("ERR_INVALID_ROUTE", {
    happened: "The application did not answer with a receive function",
    got,
    wanted: "a function (event) => void, or a promise of one",
  });
}
