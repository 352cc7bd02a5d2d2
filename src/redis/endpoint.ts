import type { ConnectionOptions as TlsOptions } from "node:tls";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { parseUrl } from "./host-url.ts";
import type { RedisCluster, RedisHosts, RedisLogin, RedisNode, RedisSentinels, RedisServer } from "./hosts.ts";

/** One Redis, checked. `address` names it for people, and holds no password. */
export type Endpoint = DirectEndpoint | SentinelEndpoint;

/** One Redis that can be connected to as it is. */
export type DirectEndpoint = ServerEndpoint | ClusterEndpoint;

interface Login {
  readonly address: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: TlsOptions | undefined;
}

export interface ServerEndpoint extends Login {
  readonly kind: "server";
  readonly host: string;
  readonly port: number;
  readonly path: string | undefined;
  /** It is a node of a cluster, of which any hears what is published on any other. */
  readonly isNode?: boolean;
}

export interface SentinelEndpoint extends Login {
  readonly kind: "sentinel";
  readonly name: string;
  readonly sentinels: ReadonlyArray<Required<RedisNode>>;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly sentinelTls: TlsOptions | undefined;
}

export interface ClusterEndpoint extends Login {
  readonly kind: "cluster";
  readonly nodes: ReadonlyArray<Required<RedisNode>>;
}

/**
 * Checks where Redis is. No error shows a password.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function readHosts(hosts: RedisHosts = [{}]): readonly Endpoint[] {
  // Those who write JavaScript may give anything.
  const given: unknown = hosts;
  if (!Array.isArray(given) || given.length === 0) {
    throw wrongHost("hosts is no list of Redis hosts", 'a list such as ["redis://localhost:6379"]', given);
  }
  return given.map(readHost);
}

function readHost(host: unknown): Endpoint {
  if (typeof host === "string") return readServer(parseUrl(host));
  if (typeof host !== "object" || host === null || Array.isArray(host)) {
    throw wrongHost("That is no Redis host", "a URL, or an object with host and port", host);
  }
  if ("sentinels" in host) return readSentinels(host as RedisSentinels);
  if ("cluster" in host) return readCluster(host as RedisCluster);
  return readServer(host);
}

const loginOptions = ["username", "password", "db", "tls"];

function readServer(host: RedisServer): ServerEndpoint {
  refuseUnknown(host, ["host", "port", "path", ...loginOptions]);
  const path = optionalText("path", host.path);
  const name = optionalText("host", host.host) ?? "localhost";
  const port = readPort(host.port, 6379);
  const login = readLogin(host);
  const address = path === undefined ? `${scheme(login.tls)}://${shownNode(name, port)}` : `unix://${path}`;
  return { kind: "server", host: name, port, path, address: withDb(address, login.db), ...login };
}

function readSentinels(host: RedisSentinels): SentinelEndpoint {
  const own = ["sentinels", "name", "sentinelUsername", "sentinelPassword", "sentinelTls"];
  refuseUnknown(host, [...own, ...loginOptions]);
  const name = optionalText("name", host.name);
  if (name === undefined) throw wrongHost("Sentinels need the name of their master", 'a name such as "mymaster"');
  const sentinels = readNodes("sentinels", host.sentinels, 26379);
  const login = readLogin(host);
  return {
    kind: "sentinel",
    name,
    sentinels,
    sentinelUsername: optionalText("sentinelUsername", host.sentinelUsername),
    sentinelPassword: optionalText("sentinelPassword", host.sentinelPassword),
    sentinelTls: readTls("sentinelTls", host.sentinelTls),
    address: withDb(`the master ${name} of the sentinels ${shownNodes(sentinels)}`, login.db),
    ...login,
  };
}

function readCluster(host: RedisCluster): ClusterEndpoint {
  refuseUnknown(host, ["cluster", "username", "password", "tls"]);
  const nodes = readNodes("cluster", host.cluster, 6379);
  return { kind: "cluster", nodes, address: `the cluster of ${shownNodes(nodes)}`, ...readLogin(host) };
}

function readLogin(host: RedisLogin): Omit<Login, "address"> {
  const { db = 0 } = host;
  if (!Number.isSafeInteger(db) || db < 0) {
    throw wrongHost("db is no database of Redis", "a whole number, at least 0", db);
  }
  return {
    username: optionalText("username", host.username),
    password: optionalText("password", host.password),
    db,
    tls: readTls("tls", host.tls),
  };
}

function readTls(option: string, tls: unknown): TlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  if (typeof tls === "object" && tls !== null) return tls;
  throw wrongHost(`${option} can't be used`, "true, or an object of options for node:tls", tls);
}

function readNodes(option: string, nodes: unknown, defaultPort: number): ReadonlyArray<Required<RedisNode>> {
  if (!Array.isArray(nodes) || nodes.length === 0) throw wrongNodes(option, nodes);
  return nodes.map((node: unknown) => {
    if (typeof node !== "object" || node === null) throw wrongNodes(option, node);
    refuseUnknown(node, ["host", "port"]);
    const { host, port } = node as Partial<RedisNode>;
    if (optionalText("host", host) === undefined) throw wrongNodes(option, node);
    return { host: String(host), port: readPort(port, defaultPort) };
  });
}

function readPort(port: unknown, defaultPort: number): number {
  const given = port ?? defaultPort;
  if (Number.isInteger(given) && Number(given) > 0 && Number(given) < 65_536) return Number(given);
  throw wrongHost("port is no port", "a whole number from 1 to 65535", given);
}

/** The value stays unsaid, because the option may be a password. */
function optionalText(option: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrongHost(`${option} can't be used`, "a string that is not empty");
}

function refuseUnknown(host: object, known: readonly string[]): void {
  for (const name of Object.keys(host)) {
    if (known.includes(name)) continue;
    throw wrongHost(`A Redis host has no option ${JSON.stringify(name)}${didYouMean(name, known)}`, known.join(", "));
  }
}

function scheme(tls: TlsOptions | undefined): string {
  return tls === undefined ? "redis" : "rediss";
}

function withDb(address: string, db: number): string {
  return db === 0 ? address : `${address}, database ${db}`;
}

function shownNodes(nodes: ReadonlyArray<Required<RedisNode>>): string {
  return nodes.map(({ host, port }) => shownNode(host, port)).join(", ");
}

function shownNode(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function wrongNodes(option: string, got: unknown): MillraceError {
  return wrongHost(`${option} can't be used`, 'a list such as [{ host: "10.0.0.1", port: 26379 }]', got);
}

function wrongHost(happened: string, wanted: string, ...got: readonly unknown[]): MillraceError {
  // A string, or what holds one, may be a URL with a password.
  const shown = got.length > 0 && (typeof got[0] !== "object" || got[0] === null) && typeof got[0] !== "string";
  return new MillraceError("ERR_INVALID_OPTION", { happened, wanted, ...(shown ? { got: got[0] } : {}) });
}
