import type { ChannelLayer } from "./channel-layer.ts";
import { MillraceError } from "./errors.ts";

/** The channel layers of an application, by alias. */
export class ChannelLayers implements Iterable<readonly [alias: string, layer: ChannelLayer]> {
  readonly #layers: ReadonlyMap<string, ChannelLayer>;

  constructor(layers: Readonly<Record<string, ChannelLayer>> = {}) {
    this.#layers = new Map(Object.entries(layers));
  }

  has(alias: string): boolean {
    return this.#layers.has(alias);
  }

  /** @throws MillraceError `ERR_NO_CHANNEL_LAYER` when there is none of that alias. */
  get(alias = "default"): ChannelLayer {
    const layer = this.#layers.get(alias);
    if (layer !== undefined) return layer;
    throw new MillraceError("ERR_NO_CHANNEL_LAYER", {
      happened: `There is no channel layer ${JSON.stringify(alias)}`,
      wanted: this.#layers.size === 0 ? "at least one layer" : `one of ${[...this.#layers.keys()].join(", ")}`,
      remedy: `Give one to serve, to the communicator or to installChannelLayers: { ${alias}: new InMemoryChannelLayer() }`,
    });
  }

  [Symbol.iterator](): Iterator<readonly [alias: string, layer: ChannelLayer]> {
    return this.#layers.entries();
  }
}

/**
 * What is installed in this process, the newest last. It lies on `globalThis` because a process may
 * load the package twice, once for a compiled module and once for a TypeScript one.
 */
const installed: ChannelLayers[] = ((globalThis as { [key: symbol]: unknown })[Symbol.for("millrace.layers")] ??=
  []) as ChannelLayers[];

/**
 * Makes layers known to {@link getChannelLayer}; `serve` does so with its own. Dispose of what it
 * returns to take them back.
 */
export function installChannelLayers(layers: ChannelLayers): Disposable {
  installed.push(layers);
  return {
    [Symbol.dispose]() {
      const at = installed.lastIndexOf(layers);
      if (at !== -1) installed.splice(at, 1);
    },
  };
}

/**
 * A layer for code that runs outside a consumer: a view, a timer, a script. It comes from the
 * server that started last in this process, or from {@link installChannelLayers}.
 *
 * @throws MillraceError `ERR_NO_CHANNEL_LAYER` when there is none of that alias.
 */
export function getChannelLayer(alias = "default"): ChannelLayer {
  return (installed.at(-1) ?? new ChannelLayers()).get(alias);
}
