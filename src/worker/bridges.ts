import { JobKeys } from "../layers/job-keys.ts";
import type { JobSite } from "../layers/job-site.ts";
import { Bridge, type Source } from "./bridge.ts";
import { hostOf } from "./job-store.ts";
import { PublishedSource } from "./published-source.ts";
import { QueuedSource } from "./queued-source.ts";
import type { WorkerLinks } from "./worker-links.ts";

/** The bridge of a channel, for what Python's layer of the same kind makes of a message to it. */
export function newBridge(
  channel: string,
  site: JobSite,
  links: WorkerLinks,
  failed: (thrown: unknown) => void,
): Bridge {
  const keys = new JobKeys(site.prefix, channel);
  const host = hostOf(site, channel);
  const link = links.commands.at(host);
  const { python } = site;
  const source: Source =
    python.by === "queue"
      ? new QueuedSource({ channel, keys, site, links: links.commands, expiry: python.expiry, failed })
      : new PublishedSource({ channel, keys, site, link, links, host, failed });
  return new Bridge({ channel, keys, link, source, failed });
}
