import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { proxyTrust } from "./trusted-proxies.ts";

/** What happens to a message for a client whose outbound queue is full. */
export type WhenFull = "close" | "dropOldest" | "dropNewest";

/** The bounds of a socket's outbound queue. */
export interface OutboundOptions {
  /** How many messages may wait while the client is behind. @default 1024 */
  readonly maxMessages?: number;
  /** How many bytes may wait; one message alone may be larger. @default 1048576 */
  readonly maxBytes?: number;
  /**
   * `"close"` closes the socket with 1013; the others drop a message and go on. Either way
   * `millrace:websocket:dropped` is published.
   *
   * @default "close"
   */
  readonly whenFull?: WhenFull;
}

/** How messages to clients are compressed, by `permessage-deflate` of RFC 7692. */
export interface CompressionOptions {
  /** Messages of fewer bytes are sent as they are. @default 1024 */
  readonly threshold?: number;
  /** Messages of more bytes are sent as they are, because compressing keeps everything else waiting. @default 262144 */
  readonly maxSize?: number;
  /** From 1, the fastest, to 9, which makes messages smallest. @default 3 */
  readonly level?: number;
}

/** Options of `attach`. Times are in milliseconds, sizes in bytes. */
export interface AttachOptions {
  /** The channel layers by alias. @default one in-memory layer, "default" */
  readonly layers?: Readonly<Record<string, ChannelLayer>>;
  /** Where the application is mounted. @default "" */
  readonly rootPath?: string;
  /** The largest message that a client may send; a larger one closes the socket with 1009. @default 1048576 */
  readonly maxMessageSize?: number;
  /** For how long an application may neither accept nor refuse a socket, before it gets 504. @default 10000 */
  readonly handshakeTimeout?: number;
  /** After how long a silence a client is pinged. @default 20000 */
  readonly pingInterval?: number;
  /** For how long a client may be silent after a ping, before it is taken for gone. @default 30000 */
  readonly pingTimeout?: number;
  /** For how long a client may leave a close frame or a refusal unanswered, before it is cut. @default 10000 */
  readonly closeTimeout?: number;
  /** For how long a socket may not be read from, because its application is behind, before it is closed with 1013. @default 30000 */
  readonly pausedTimeout?: number;
  /** How many events of a socket may be unhandled, before it is no longer read from. @default 64 */
  readonly mailboxLimit?: number;
  /** The bounds of each socket's outbound queue. */
  readonly outbound?: OutboundOptions;
  /**
   * Whether messages are compressed, both ways, for clients that can. A message that goes to many is
   * compressed once.
   *
   * @default false
   */
  readonly compression?: boolean | CompressionOptions;
  /** For how long applications may go on after `close`, before they are cut off. @default 10000 */
  readonly shutdownTimeout?: number;
  /**
   * The proxies whose `X-Forwarded-For`, `-Proto` and `-Prefix` are believed: how many stand in a
   * row, or their addresses and networks (`"10.0.0.0/8"`). A peer on a Unix socket counts as
   * trusted as soon as any is named.
   *
   * @default false
   */
  readonly trustedProxies?: false | number | readonly string[];
}

/** Options of `serve`. */
export interface ServeOptions extends AttachOptions {
  /** 0 takes a free one. @default 8000 */
  readonly port?: number;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** The path of a Unix socket to listen on, instead of a host and port. */
  readonly unix?: string;
}

/** Options with nothing left open. */
export type CheckedOptions = Omit<Required<AttachOptions>, "layers" | "outbound" | "compression"> & {
  readonly outbound: Required<OutboundOptions>;
  /** `undefined` where nothing is compressed. */
  readonly compression: Required<CompressionOptions> | undefined;
};

/** Where a server listens. */
export type ListenAddress = { readonly unix: string } | { readonly host: string; readonly port: number };

type Check = (value: unknown) => string | undefined;

const longest = 2 ** 31 - 1;
const duration = whole(1, longest, "milliseconds, a whole number");
const count = whole(1, longest, "a whole number");

const outboundDefaults: Required<OutboundOptions> = { maxMessages: 1024, maxBytes: 1024 * 1024, whenFull: "close" };

const compressionDefaults: Required<CompressionOptions> = { threshold: 1024, maxSize: 256 * 1024, level: 3 };

const defaults: Omit<CheckedOptions, "outbound" | "compression"> = {
  rootPath: "",
  maxMessageSize: 1024 * 1024,
  handshakeTimeout: 10_000,
  pingInterval: 20_000,
  pingTimeout: 30_000,
  closeTimeout: 10_000,
  pausedTimeout: 30_000,
  mailboxLimit: 64,
  shutdownTimeout: 10_000,
  trustedProxies: false,
};

const outboundChecks: Record<keyof OutboundOptions, Check> = {
  maxMessages: count,
  maxBytes: count,
  whenFull: (value) =>
    value === "close" || value === "dropOldest" || value === "dropNewest"
      ? undefined
      : '"close", "dropOldest" or "dropNewest"',
};

const compressionChecks: Record<keyof CompressionOptions, Check> = {
  threshold: whole(0, longest, "a whole number"),
  maxSize: count,
  level: whole(1, 9, "a level"),
};

const attachChecks: Record<keyof AttachOptions, Check> = {
  layers: (value) => (isRecord(value) ? undefined : "a record of channel layers by alias"),
  rootPath: (value) =>
    typeof value === "string" && /^(?:\/[^\s?#]*[^\s?#/])?$/.test(value)
      ? undefined
      : '"", or a path with a slash in front and none at the end',
  maxMessageSize: count,
  handshakeTimeout: duration,
  pingInterval: duration,
  pingTimeout: duration,
  closeTimeout: duration,
  pausedTimeout: duration,
  mailboxLimit: count,
  outbound: (value) => (isRecord(value) ? undefined : "an object with maxMessages, maxBytes and whenFull"),
  compression: (value) =>
    typeof value === "boolean" || isRecord(value)
      ? undefined
      : "true, false, or an object with threshold, maxSize and level",
  shutdownTimeout: duration,
  trustedProxies: (value) =>
    proxyTrust(value) === undefined
      ? "false, a number of proxies of at least 1, or a list of addresses and networks"
      : undefined,
};

const serveChecks: Record<keyof ServeOptions, Check> = {
  ...attachChecks,
  port: whole(0, 65_535, "a port"),
  host: (value) => (typeof value === "string" && value !== "" ? undefined : "a host name or an address"),
  unix: (value) => (typeof value === "string" && value !== "" ? undefined : "the path of a Unix socket"),
};

/**
 * Checks the options of `attach` and fills in what is left out.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function checkAttachOptions(options: AttachOptions): CheckedOptions {
  check("attach", options, attachChecks);
  return complete(options);
}

/**
 * Checks the options of `serve` and fills in what is left out.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function checkServeOptions(options: ServeOptions): CheckedOptions & { readonly listen: ListenAddress } {
  check("serve", options, serveChecks);
  const { unix, host = "127.0.0.1", port = 8000 } = options;
  return { ...complete(options), listen: unix === undefined ? { host, port } : { unix } };
}

function complete(options: AttachOptions): CheckedOptions {
  const { outbound = {}, compression = false } = options;
  check("outbound", outbound, outboundChecks);
  return {
    ...defaults,
    ...given(options),
    outbound: { ...outboundDefaults, ...given(outbound) },
    compression: compression === false ? undefined : completeCompression(compression === true ? {} : compression),
  };
}

function completeCompression(compression: CompressionOptions): Required<CompressionOptions> {
  check("compression", compression, compressionChecks);
  return { ...compressionDefaults, ...given(compression) };
}

/** What was really given: an option that is `undefined` counts as left out. */
function given<T extends object>(options: T): T {
  // Only values that are undefined are taken away, which the type allows for each.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function check(of: string, options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(options)) {
    const wrong = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (wrong === undefined) throw unknownOption(of, name, Object.keys(checks));
    const wanted = value === undefined ? undefined : wrong(value);
    if (wanted === undefined) continue;
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: `The option ${name} of ${of} can't be used`,
      got: value,
      wanted,
    });
  }
}

function unknownOption(of: string, name: string, known: readonly string[]): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", {
    happened: `${of} has no option ${name}${didYouMean(name, known)}`,
    wanted: `one of ${known.join(", ")}`,
  });
}

function whole(least: number, most: number, what: string): Check {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `${what} of ${least} to ${most}`;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
