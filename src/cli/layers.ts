import { InMemoryChannelLayer } from "../layers/in-memory.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";

/** The layers of a server, and what ends them all. */
export interface OpenLayers {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly closeAll: () => Promise<void>;
}

/**
 * The layers that a module exports, with the default one that the command line names, which wins
 * and must be there at once. Without either it is one in memory.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`, or what keeps the named layer from being reached.
 */
export async function openLayers(
  exported: Readonly<Record<string, ChannelLayer>> | undefined,
  url: string | undefined,
): Promise<OpenLayers> {
  const owned = Object.values(exported ?? {});
  const closeAll = async (): Promise<void> => {
    await Promise.all(owned.map((layer) => layer.close()));
  };
  if (url === undefined && exported?.["default"] !== undefined) return { layers: exported, closeAll };
  try {
    const layer: ChannelLayer = url === undefined ? new InMemoryChannelLayer() : await layerOf(url);
    owned.push(layer);
    await layer.connect?.();
    return { layers: { ...exported, default: layer }, closeAll };
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

/**
 * Refuses layers that don't leave their process, where several are to serve.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function refuseMemory(layers: Readonly<Record<string, ChannelLayer>>, workers: number): void {
  const [alias] = Object.entries(layers).find(([, layer]) => layer.kind === "memory") ?? [];
  if (alias === undefined || workers === 1) return;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${workers} processes can't share the channel layer ${alias}, which is in memory: what is sent in one would not be heard in the others`,
    remedy:
      alias === "default"
        ? "Give a layer behind Redis, such as --layer redis://localhost:6379, or leave out --workers"
        : "Let the module export a layer behind Redis under that alias, or leave out --workers",
  });
}

/** Loaded when a URL is given, because it brings the client for Redis along. */
async function layerOf(url: string): Promise<ChannelLayer> {
  const { channelLayerFromUrl } = await import("../layers/layer-url.ts");
  return channelLayerFromUrl(url);
}
