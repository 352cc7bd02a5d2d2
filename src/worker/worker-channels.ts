import { jobKeyPrefix } from "../layers/job-keys.ts";
import type { JobSite } from "../layers/job-site.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import { Link } from "../redis/link.ts";

/**
 * The channels for which a layer keeps jobs, in alphabetical order; none on a cluster, whose nodes
 * would have to be asked one by one.
 */
export async function workerChannels(site: JobSite): Promise<readonly string[]> {
  const found = await Promise.all(site.endpoints.map((endpoint) => channelsOn(endpoint, site)));
  return [...new Set(found.flat())].toSorted((one, other) => one.localeCompare(other));
}

async function channelsOn(endpoint: Endpoint, { connection, prefix }: JobSite): Promise<readonly string[]> {
  if (endpoint.kind === "cluster") return [];
  await using link = new Link(endpoint, connection, { name: "millrace-jobs" });
  const start = `${jobKeyPrefix(prefix)}{`;
  const pattern = `${start.replaceAll(/[\\*?[\]^-]/g, "\\$&")}*}`;
  const channels: string[] = [];
  let cursor = "0";
  do {
    // What SCAN answers with: where to go on, and keys.
    const [next, keys] = (await link.call("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)) as readonly [
      string,
      readonly string[],
    ];
    channels.push(...keys.map((key) => key.slice(start.length, -1)));
    cursor = next;
  } while (cursor !== "0");
  return channels;
}
