import { isMillraceError } from "millrace";
import { caught } from "../../support/caught.ts";

/** What a reader says of a body that it refuses. Fails for any error but the one that a layer knows. */
export function unreadable(read: () => unknown): string {
  return refusalOf(caught(read));
}

/** The sentence of the one error with which a reader may refuse. */
export function refusalOf(error: unknown): string {
  if (isMillraceError(error, "ERR_INVALID_MESSAGE")) return error.message;
  throw error;
}
