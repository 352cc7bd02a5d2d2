import type { ChannelLayer } from "../protocol/channel-layer.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import { Link } from "../redis/link.ts";
import type { ConnectionSettings } from "../redis/options.ts";
import { jobSiteOf } from "./job-site.ts";

/** How long the search may take, in milliseconds, and how many steps of how many keys it has. */
const timeLimit = 1000;
const stepLimit = 20;
const keysPerStep = 500;

/** What somebody else keeps in Redis in the format of the layer that this one is not. */
export interface OtherFormat {
  /** Where it is. */
  readonly address: string;
  /** The kind of the layer that it belongs to. */
  readonly layer: string;
  /** One of its keys or channels. */
  readonly example: string;
  /** The URL of a layer that would share groups with it; it holds no login. */
  readonly url: string;
}

/** A layer on Redis, as far as the search needs to know it. */
export interface SearchedLayer {
  readonly layer: string;
  readonly endpoints: readonly Endpoint[];
  readonly connection: ConnectionSettings;
  readonly prefix: string;
}

/**
 * Looks for groups in the format of the other layer under the same prefix: the two share nothing,
 * and none of their users is told. It looks at ten thousand keys at most, takes a second at most, and
 * finds nothing where it may not ask; it never rejects.
 */
export async function findOtherFormat(layer: ChannelLayer): Promise<OtherFormat | undefined> {
  const searched = jobSiteOf(layer);
  const found = await Promise.all(searched.endpoints.map((endpoint) => findOtherFormatAt(endpoint, searched)));
  return found.find((one) => one !== undefined);
}

/** {@link findOtherFormat} on one host. */
export async function findOtherFormatAt(
  endpoint: Endpoint,
  { layer, connection, prefix }: Omit<SearchedLayer, "endpoints">,
): Promise<OtherFormat | undefined> {
  // The core layer can't run on a cluster.
  if (endpoint.kind === "cluster") return undefined;
  const limits = { connectTimeout: timeLimit, probeTimeout: timeLimit, offlineTimeout: timeLimit };
  const link = new Link(endpoint, { ...connection, ...limits }, { name: "millrace-search" });
  const isCore = layer === "redis+core";
  const over = AbortSignal.timeout(timeLimit);
  const late = new Promise<undefined>((resolve) => over.addEventListener("abort", () => resolve(undefined)));
  try {
    const search = isCore ? findSubscription(link, prefix) : findCoreKey(link, prefix, over);
    const example = await Promise.race([search, late]);
    if (example === undefined) return undefined;
    const other = isCore ? "redis+pubsub" : "redis+core";
    return { address: endpoint.address, layer: other, example, url: urlOf(other, endpoint, prefix) };
  } catch {
    // The layer itself says what is wrong with Redis.
    return undefined;
  } finally {
    void link.close();
  }
}

/** A group of the core layer, or the queue of one of its processes. */
async function findCoreKey(link: Link, prefix: string, over: AbortSignal): Promise<string | undefined> {
  const group = `${prefix}:group:`;
  const queue = /^[^!]*\.[0-9a-f]{32}!$/;
  let cursor = "0";
  for (let steps = 0; steps < stepLimit && !over.aborted; steps++) {
    const answer = await link.call("SCAN", cursor, "MATCH", `${literal(prefix)}*`, "COUNT", keysPerStep);
    // What SCAN answers with: where to go on, and keys.
    const [next, keys] = answer as readonly [string, readonly string[]];
    const found = keys.find((key) => key.startsWith(group) || queue.test(key.slice(prefix.length)));
    if (found !== undefined) return found;
    if (next === "0") return undefined;
    cursor = next;
  }
  return undefined;
}

/** A group of the pub/sub layer that has members. */
async function findSubscription(link: Link, prefix: string): Promise<string | undefined> {
  const channels = await link.call("PUBSUB", "CHANNELS", `${literal(prefix)}__group__*`);
  return Array.isArray(channels) && channels.length > 0 ? String(channels[0]) : undefined;
}

function urlOf(layer: string, endpoint: Endpoint, prefix: string): string {
  const parameters = prefix === "asgi" ? "" : `?prefix=${encodeURIComponent(prefix)}`;
  if (endpoint.kind !== "server" || endpoint.path !== undefined) return `${layer}://…${parameters}`;
  const [place = ""] = endpoint.address.split(", ");
  const db = endpoint.db === 0 ? "" : `/${endpoint.db}`;
  return `${place.replace(/^(rediss?)/, layer.replace("redis", "$1"))}${db}${parameters}`;
}

/** A text in a glob of Redis that means itself. */
function literal(text: string): string {
  return text.replaceAll(/[\\*?[\]^-]/g, "\\$&");
}
