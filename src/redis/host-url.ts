import { MillraceError } from "../protocol/errors.ts";
import type { RedisServer } from "./hosts.ts";

const wanted = "redis://user:password@host:port/db, rediss:// for TLS, unix:///path?db=1 or the path of a socket";

/**
 * Reads the URL of a Redis server. User and password are percent-decoded; the database is the path
 * or `?db=`.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`; it shows nothing of the URL, which may hold a password.
 */
export function parseUrl(text: string): RedisServer {
  if (text.startsWith("/")) return { path: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw wrongUrl("That is no URL of a Redis host");
  const login = { ...part("username", url.username), ...part("password", url.password) };
  if (url.protocol === "unix:") return { path: decode(url.pathname), ...login, ...database(undefined, url) };
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw wrongUrl(`A Redis host has no scheme ${JSON.stringify(url.protocol)}`);
  }
  return {
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    ...part("host", url.hostname.replace(/^\[(.*)\]$/, "$1")),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...login,
    ...database(url.pathname.slice(1), url),
    ...(url.protocol === "rediss:" ? { tls: true } : {}),
  };
}

function database(path: string | undefined, url: URL): { db?: number } {
  for (const name of url.searchParams.keys()) {
    if (name !== "db") throw wrongUrl(`The URL of a Redis host has no parameter ${JSON.stringify(name)}`);
  }
  const db = url.searchParams.get("db") ?? path ?? "";
  if (db === "") return {};
  if (!/^\d{1,9}$/.test(db)) throw wrongUrl("The database of a Redis URL is no number");
  return { db: Number(db) };
}

function part<Name extends string>(name: Name, value: string): { [name in Name]?: string } {
  // A computed key is typed as any string.
  return (value === "" ? {} : { [name]: decode(value) }) as { [name in Name]?: string };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw wrongUrl("A Redis URL has a malformed percent sign");
  }
}

function wrongUrl(happened: string): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened, wanted });
}
