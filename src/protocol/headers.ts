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
  const entries: Iterable<readonly [string, string | readonly string[]]> = isPairs(headers)
    ? headers
    : Object.entries(headers);
  const pairs: Array<[string, string]> = [];
  for (const [name, values] of entries) {
    for (const value of typeof values === "string" ? [values] : values) pairs.push(checkHeader(name, value));
  }
  return pairs;
}

function isPairs(headers: OutgoingHeaders): headers is ReadonlyArray<readonly [string, string]> {
  return Array.isArray(headers);
}

function checkHeader(name: string, value: string): [name: string, value: string] {
  if (!token.test(name)) {
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
