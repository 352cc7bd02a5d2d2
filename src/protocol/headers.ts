import { MillraceError } from "./errors.ts";
import type { OutgoingHeaders } from "./events.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Headers as pairs, one for each line on the wire.
 *
 * @throws MillraceError `ERR_INVALID_HEADER` for a name that is no token and for a value with a
 *   line break, a control character or a character beyond Latin-1. The value is not shown, because
 *   it may be a secret.
 */
export function headerPairs(headers: OutgoingHeaders = {}): Array<[name: string, value: string]> {
  const pairs: Array<[string, string]> = [];
  for (const [name, values] of entriesOf(headers)) {
    for (const value of Array.isArray(values) ? (values as unknown[]) : [values]) pairs.push(checkHeader(name, value));
  }
  return pairs;
}

/** They come from callers without types, too. */
function entriesOf(headers: unknown): ReadonlyArray<readonly unknown[]> {
  if (Array.isArray(headers) && headers.every((pair) => Array.isArray(pair))) return headers;
  if (typeof headers === "object" && headers !== null && !Array.isArray(headers)) return Object.entries(headers);
  throw new MillraceError("ERR_INVALID_HEADER", {
    happened: "Those are no headers",
    wanted: "a record, or an array of pairs of name and value",
  });
}

function checkHeader(name: unknown, value: unknown): [name: string, value: string] {
  if (typeof name !== "string" || !token.test(name)) {
    throw new MillraceError("ERR_INVALID_HEADER", {
      happened: "That is no header name",
      got: name,
      wanted: "letters, digits and hyphens",
    });
  }
  if (typeof value !== "string" || !fieldValue.test(value)) {
    throw new MillraceError("ERR_INVALID_HEADER", {
      happened: `The value of the header ${name} can't be sent`,
      wanted: "a string of Latin-1 without line breaks and control characters",
      remedy: "Encode other text, with encodeURIComponent for example",
    });
  }
  return [name, value];
}
