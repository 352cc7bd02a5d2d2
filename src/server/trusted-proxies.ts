import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";
import type { Address } from "../protocol/scope.ts";

/** Tells whether the end at an address is trusted; it stands `hop` proxies away, 0 for the peer. */
export type ProxyTrust = (address: string, hop: number) => boolean;

/** What proxies say about a request. */
export interface Forwarded {
  /** The client, or the last proxy that is not trusted. */
  readonly client: Address;
  readonly secure: boolean;
  readonly rootPath: string;
}

const prefixPath = /^(?:\/[^\s?#]*)?$/;

/** The trust that the option `trustedProxies` means; `undefined` when it means none. */
export function proxyTrust(option: unknown): ProxyTrust | undefined {
  if (option === false) return () => false;
  if (typeof option === "number") return Number.isInteger(option) && option > 0 ? (_, hop) => hop < option : undefined;
  if (!Array.isArray(option)) return undefined;
  const networks = new BlockList();
  for (const entry of option as unknown[]) {
    if (typeof entry !== "string" || !addNetwork(networks, entry)) return undefined;
  }
  // A peer without an address came by a Unix socket.
  return (address) => address === "" || networks.check(address, family(address));
}

/**
 * Reads what trusted proxies say, from the right to the left: only what the last trusted proxy
 * wrote can be believed, for the rest may come from the client itself.
 */
export function forwarded(headers: IncomingHttpHeaders, direct: Forwarded, trust: ProxyTrust): Forwarded {
  if (!trust(direct.client.address, 0)) return direct;
  const chain = values(headers, "x-forwarded-for");
  let { client } = direct;
  let trusted = 1;
  for (const text of chain.toReversed()) {
    const next = parseAddress(text);
    if (next === undefined) break;
    client = next;
    if (!trust(client.address, trusted)) break;
    trusted++;
  }
  // Each proxy adds one value, so that the last trusted one's is as many places from the right.
  const said = (name: string): string | undefined => {
    const list = values(headers, name);
    return list[Math.max(0, list.length - trusted)];
  };
  const scheme = said("x-forwarded-proto")?.toLowerCase();
  const prefix = said("x-forwarded-prefix");
  return {
    client,
    secure: scheme === undefined ? direct.secure : scheme === "https" || scheme === "wss",
    // With the look behind, many slashes that are not at the end are looked at once, not once for each.
    rootPath: prefix !== undefined && prefixPath.test(prefix) ? prefix.replace(/(?<!\/)\/+$/, "") : direct.rootPath,
  };
}

/** An IPv4 address that came by an IPv6 socket, in its own notation. */
export function plainAddress(address: string): string {
  // Most have none, and an expression takes longer to say so.
  if (!address.includes(":")) return address;
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/** `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` or `[2001:db8::1]:4711`. */
function parseAddress(text: string): Address | undefined {
  const parts = /^\[([^\]]+)\](?::(\d{1,5}))?$|^([^:]+):(\d{1,5})$/.exec(text);
  const address = plainAddress(parts?.[1] ?? parts?.[3] ?? text);
  return isIP(address) === 0 ? undefined : { address, port: Number(parts?.[2] ?? parts?.[4] ?? 0) };
}

function addNetwork(networks: BlockList, entry: string): boolean {
  const [address = "", prefix] = entry.split("/");
  const version = isIP(address);
  if (version === 0) return false;
  if (prefix === undefined) {
    networks.addAddress(address, family(address));
    return true;
  }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return false;
  networks.addSubnet(address, Number(prefix), family(address));
  return true;
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

function values(headers: IncomingHttpHeaders, name: string): string[] {
  const header = headers[name];
  if (header === undefined) return [];
  return String(header)
    .split(",")
    .map((value) => value.trim());
}
