import { MillraceError } from "../../protocol/errors.ts";

/** How deep lists and maps may lie in one another in what is received; Python's msgpack writes no deeper. */
export const maxReceivedDepth = 512;

/**
 * What a body of another writer is refused with. It shows nothing of the content, which may be
 * private.
 *
 * @param found says what is wrong with the body, as an apposition: "an integer as a key, at byte 7".
 */
export function unreadable(found: string): MillraceError {
  return new MillraceError("ERR_INVALID_MESSAGE", {
    happened: `A message was received that can't be read: ${found}`,
    remedy:
      "Senders and receivers must have the same serializer, prefix length and keys, and send nothing but " +
      "strings, numbers, integers of 64 bits, booleans, null, bytes, lists and maps with strings as keys",
  });
}

/** @throws MillraceError `ERR_INVALID_MESSAGE` for a key that would change an object's prototype when copied. */
export function checkReceivedKey(key: string): void {
  if (key === "__proto__") throw unreadable("the key __proto__");
}

/** @throws MillraceError `ERR_INVALID_MESSAGE`, when a list or map lies too deep. */
export function checkReceivedDepth(depth: number): void {
  if (depth > maxReceivedDepth) throw unreadable(`more than ${maxReceivedDepth} levels`);
}
