import type { Examination } from "../layers/examination.ts";
import type { Finding } from "../layers/finding.ts";
import { jobSite } from "../layers/job-site.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import type { CommandValues } from "./commands.ts";
import { examinationText, memoryText } from "./doctor-report.ts";
import { loadModule } from "./load-module.ts";
import type { Terminal } from "./terminal.ts";

/** The layers to examine: one, and another to send from, which may be the same. */
interface Patient {
  readonly layer: ChannelLayer;
  readonly other: ChannelLayer;
}

/**
 * `millrace doctor [<module>]`: looks at the Redis of a channel layer for what would hurt it. Settles
 * with the exit code: 1 when messages would be lost.
 */
export async function examine(
  module: string | undefined,
  flags: CommandValues<"doctor">,
  terminal: Terminal,
): Promise<number> {
  const { layer, other } = await patient(module, flags.layer);
  try {
    const examination = jobSite in layer ? await examineRedis(layer, other) : undefined;
    if (flags.json === true) terminal.print(JSON.stringify(examination ?? noRedis(layer), undefined, 2));
    else terminal.print(examination === undefined ? memoryText(layer.kind) : examinationText(examination, terminal));
    return findingsOf(examination).some(({ level }) => level === "error") ? 1 : 0;
  } finally {
    await Promise.all([layer.close(), other.close()]);
  }
}

/** A URL wins over what the module exports, as it does for `serve`. */
async function patient(module: string | undefined, url: string | undefined): Promise<Patient> {
  if (url === undefined && module !== undefined) {
    const { layers } = await loadModule(module);
    const layer = layers?.["default"];
    if (layer !== undefined) return { layer, other: layer };
  }
  // Loaded only here, because it brings the client for Redis along.
  const { channelLayerFromUrl } = await import("../layers/layer-url.ts");
  return { layer: channelLayerFromUrl(url ?? "memory:"), other: channelLayerFromUrl(url ?? "memory:") };
}

async function examineRedis(layer: ChannelLayer, other: ChannelLayer): Promise<Examination> {
  const { examineLayer } = await import("../layers/examination.ts");
  return examineLayer(layer, other);
}

function noRedis({ kind }: ChannelLayer): Omit<Examination, "prefix" | "delivery"> {
  return { layer: kind, servers: [] };
}

function findingsOf(examination: Examination | undefined): readonly Finding[] {
  if (examination === undefined) return [];
  return [...examination.servers.flatMap(({ findings }) => findings), examination.delivery];
}
