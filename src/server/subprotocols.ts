const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const none: readonly string[] = Object.freeze([]);

/**
 * The subprotocols that a client offers, in its order; `undefined` when the header breaks the rules
 * of RFC 6455: each is a token, and none is offered twice.
 */
export function parseSubprotocols(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return none;
  // With the look behind, long white space that is not at the end is looked at once, not once for each of its characters.
  const offered = header.split(",").map((name) => name.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, ""));
  const valid = offered.every((name) => token.test(name)) && new Set(offered).size === offered.length;
  return valid ? offered : undefined;
}
