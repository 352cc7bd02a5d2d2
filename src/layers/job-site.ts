import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import type { ConnectionSettings } from "../redis/options.ts";
import type { Codec } from "./codec/codec.ts";

/** Where a layer keeps jobs, and how they are written: all that workers need of it. */
export interface JobSite {
  /** What the layer is called in diagnostics. */
  readonly layer: string;
  /** A channel's jobs are on the host that the layer's hash gives its name. */
  readonly endpoints: readonly Endpoint[];
  readonly connection: ConnectionSettings;
  readonly prefix: string;
  /** Reads jobs however old they are. */
  readonly codec: Codec;
  /** How many jobs may be kept of one channel. */
  readonly capacity: number;
  /** What Python's layer makes of a message to a named channel: a PUBLISH, or an entry of the channel's queue on any host. */
  readonly python: { readonly by: "publish" } | { readonly by: "queue"; readonly expiry: number };
}

/** Marks a layer that keeps jobs. Two copies of the package in one process agree on it. */
export const jobSite: unique symbol = Symbol.for("millrace.jobSite");

/**
 * Where a layer keeps jobs.
 *
 * @throws MillraceError `ERR_INVALID_OPTION` for a layer that keeps none.
 */
export function jobSiteOf(layer: ChannelLayer): JobSite {
  if (jobSite in layer) {
    // What stands under the symbol was put there by a layer of ours.
    return layer[jobSite] as JobSite;
  }
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `Workers can't share the channel layer ${layer.kind}: its messages stay in the process that sends them, and are gone when it ends`,
    wanted: "RedisPubSubChannelLayer or RedisChannelLayer",
    remedy: "Give --layer redis://…, and the same to those who send",
  });
}
