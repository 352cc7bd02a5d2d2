import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { jobSite } from "../layers/job-site.ts";
import type { OtherFormat } from "../layers/other-format.ts";
import { printable, type Terminal } from "./terminal.ts";

/**
 * Prints a line when Redis holds groups in the format of the layer that this one is not: who wrote
 * them, such as a Django site, would share nothing. It takes a second at most, and never rejects.
 */
export async function warnOfOtherFormat(layer: ChannelLayer | undefined, errors: Terminal): Promise<void> {
  if (layer === undefined || !(jobSite in layer)) return;
  // Loaded only here, because it brings the client for Redis along.
  const { findOtherFormat } = await import("../layers/other-format.ts");
  const found = await findOtherFormat(layer);
  if (found !== undefined) errors.print(errors.yellow(printable(otherFormatText(found, layer.kind))));
}

/** What was found, and what to do about it, in one line. */
export function otherFormatText({ address, layer, example, url }: OtherFormat, kind: string): string {
  return `Redis at ${address} holds ${example} of the layer ${layer}, and this is the layer ${kind}: the two share nothing. To share groups with who uses it, take ${url}`;
}
