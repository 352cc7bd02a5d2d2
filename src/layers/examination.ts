import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { toError } from "../protocol/errors.ts";
import type { Endpoint, ServerEndpoint } from "../redis/endpoint.ts";
import { Sentinels } from "../redis/sentinels.ts";
import { readServerFacts, type ServerFacts } from "../redis/server-facts.ts";
import type { Examined, Finding } from "./finding.ts";
import { jobSiteOf } from "./job-site.ts";
import { findOtherFormatAt, type SearchedLayer } from "./other-format.ts";
import { checkRights, neededRights } from "./right-checks.ts";
import { testDelivery } from "./self-test.ts";
import { checkServer } from "./server-checks.ts";
import { checkedSettings, checkSettings } from "./setting-checks.ts";

/** What was found on one server. */
export interface ServerExamination {
  /** Where it is, for people; it holds no password. */
  readonly address: string;
  /** `undefined` where the server does not tell, or can't be reached. */
  readonly version: string | undefined;
  readonly role: string | undefined;
  readonly mode: string | undefined;
  readonly findings: readonly Finding[];
}

/** What was found of a layer. */
export interface Examination {
  readonly layer: string;
  readonly prefix: string;
  readonly servers: readonly ServerExamination[];
  /** Whether a message arrived. */
  readonly delivery: Finding;
}

/**
 * Looks at each server of a layer on Redis for what would hurt it, and sends a message to a group of
 * its own from one layer to the other, which may be the same. Nothing is changed, and nothing stays.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` for a layer that is not on Redis.
 */
export async function examineLayer(layer: ChannelLayer, other: ChannelLayer = layer): Promise<Examination> {
  const searched = jobSiteOf(layer);
  const servers = (await Promise.all(searched.endpoints.map((endpoint) => examineHost(endpoint, searched)))).flat();
  const unreached = servers.some(({ findings }) =>
    findings.some(({ check, level }) => check === "reach" && level === "error"),
  );
  const delivery: Finding = unreached
    ? { check: "message", level: "unknown", text: "not sent, because not all servers are reached" }
    : await testDelivery(layer, other);
  return { layer: searched.layer, prefix: searched.prefix, servers, delivery };
}

async function examineHost(endpoint: Endpoint, searched: SearchedLayer): Promise<readonly ServerExamination[]> {
  const { layer, prefix, connection } = searched;
  const examined: Examined = { layer, prefix, via: endpoint.kind };
  const questions = { settings: checkedSettings, rights: neededRights(examined) };
  const read = (server: ServerEndpoint): Promise<ServerFacts> => readServerFacts(server, connection, questions);
  try {
    const found = await serversOf(endpoint, searched, read);
    return await Promise.all(
      found.map(async (server) => {
        try {
          return await examineServer(await read(server), examined, server, searched);
        } catch (thrown) {
          return unreachable(server.address, thrown);
        }
      }),
    );
  } catch (thrown) {
    return [unreachable(endpoint.address, thrown)];
  }
}

/** The server itself, the master that sentinels name, or the masters of a cluster. */
async function serversOf(
  endpoint: Endpoint,
  { connection }: SearchedLayer,
  read: (server: ServerEndpoint) => Promise<ServerFacts>,
): Promise<readonly ServerEndpoint[]> {
  if (endpoint.kind === "server") return [endpoint];
  if (endpoint.kind === "sentinel") {
    const sentinels = new Sentinels(endpoint, connection);
    try {
      return [await sentinels.findMaster()];
    } finally {
      sentinels.close();
    }
  }
  const { username, password, db, tls } = endpoint;
  const nodeAt = (host: string, port: number): ServerEndpoint => {
    const address = `${host}:${port}`;
    return { kind: "server", isNode: true, address, host, port, path: undefined, username, password, db, tls };
  };
  const named = endpoint.nodes.map(({ host, port }) => nodeAt(host, port));
  // The first that answers knows the others.
  const { masters } = await firstOf(named.map(read));
  return masters.length === 0 ? named : masters.map(({ host, port }) => nodeAt(host, port));
}

/** What is fulfilled first; rejects with the first reason when nothing is. */
async function firstOf<T>(promises: ReadonlyArray<Promise<T>>): Promise<T> {
  try {
    return await Promise.any(promises);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

async function examineServer(
  facts: ServerFacts,
  examined: Examined,
  server: ServerEndpoint,
  searched: SearchedLayer,
): Promise<ServerExamination> {
  const { info, address } = facts;
  const findings = [...checkServer(facts, examined)];
  const mode = info.get("redis_mode");
  // A sentinel has neither data nor settings of this kind.
  if (mode !== "sentinel") {
    const others = await checkOtherFormat(server, examined, searched);
    findings.push(...checkSettings(facts, examined), checkRights(facts), ...others);
  }
  return { address, version: info.get("redis_version"), role: info.get("role"), mode, findings };
}

async function checkOtherFormat(
  server: ServerEndpoint,
  { layer, via }: Examined,
  searched: SearchedLayer,
): Promise<readonly Finding[]> {
  if (via === "cluster") return [];
  const check = "other layer";
  const found = await findOtherFormatAt(server, searched);
  if (found === undefined) return [{ check, level: "ok", text: "none of its groups was found under this prefix" }];
  const text = `${found.example} is of the layer ${found.layer}, and this is ${layer}: the two share nothing`;
  return [{ check, level: "warning", text, remedy: `Take ${found.url} to share groups with who uses it` }];
}

function unreachable(address: string, thrown: unknown): ServerExamination {
  const text = toError(thrown).message.replace(/\.$/, "");
  const findings: readonly Finding[] = [{ check: "reach", level: "error", text }];
  return { address, version: undefined, role: undefined, mode: undefined, findings };
}
