import * as ws from "ws";

/** The extension's name in RFC 7692. */
export const deflateExtension = "permessage-deflate";

/** What server and client agree on for compressed messages. */
export interface DeflateAgreement {
  /** The value of the answer's `Sec-WebSocket-Extensions`. */
  readonly answer: string;
  /** How large a message may be that is compressed for the client: no larger than its window, unless that is whole. */
  readonly maxSize: number;
}

type Parameters = Readonly<Record<string, ReadonlyArray<string | true>>>;

// The types of `ws` leave its parser out.
const { extension } = ws as unknown as {
  readonly extension: { parse(header: string): Readonly<Record<string, readonly Parameters[]>> };
};

/** What each parameter of an offer may be. */
const parameters: Readonly<Record<string, (value: string | true) => boolean>> = {
  server_no_context_takeover: (value) => value === true,
  client_no_context_takeover: (value) => value === true,
  server_max_window_bits: (value) => value !== true && isWindow(value),
  client_max_window_bits: (value) => value === true || isWindow(value),
};

/** The window of RFC 1951, which a client has that does not ask for a smaller one. */
const wholeWindow = 15;

/**
 * Chooses among the ways in which a client offers to compress. Each message stands for itself, in
 * both directions, so that one compressed frame suits many clients and none holds memory between
 * messages. An offer that RFC 7692 does not allow is passed over.
 *
 * @returns `undefined` when there is no offer, or none that can be accepted.
 * @throws SyntaxError when the header is malformed.
 * @see https://www.rfc-editor.org/rfc/rfc7692#section-7.1
 */
export function agreeOnDeflate(header: string | undefined): DeflateAgreement | undefined {
  if (header === undefined) return undefined;
  const valid = (extension.parse(header)[deflateExtension] ?? []).filter(isValid);
  const offer = valid.find((parameter) => bitsOf(parameter) === wholeWindow) ?? valid[0];
  if (offer === undefined) return undefined;
  const bits = bitsOf(offer);
  const asked = offer["server_max_window_bits"] === undefined ? "" : `; server_max_window_bits=${bits}`;
  return {
    answer: `${deflateExtension}; server_no_context_takeover; client_no_context_takeover${asked}`,
    maxSize: bits === wholeWindow ? Number.POSITIVE_INFINITY : 1 << bits,
  };
}

function isValid(offer: Parameters): boolean {
  return Object.entries(offer).every(
    ([name, [value = "", ...more]]) =>
      more.length === 0 && Object.hasOwn(parameters, name) && parameters[name]?.(value),
  );
}

function bitsOf(offer: Parameters): number {
  return Number(offer["server_max_window_bits"]?.[0] ?? wholeWindow);
}

function isWindow(bits: string): boolean {
  return /^(?:[89]|1[0-5])$/.test(bits);
}
