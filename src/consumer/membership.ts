import type { Channel, ChannelLayer, Subscriber } from "../protocol/channel-layer.ts";
import { publish } from "../protocol/diagnostics.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import { isThenable } from "./thenable.ts";

/** What a consumer holds of its channel layer: a channel of its own and, with it, its groups. */
export class Membership {
  #channel: Channel | undefined;
  #state: "open" | "leaving" | "left" = "open";

  /** The name of the channel, once there is one. */
  get channelName(): string | undefined {
    return this.#channel?.name;
  }

  /**
   * Opens the channel and joins the groups. `undefined` means done; a promise settles when it is, or
   * when there is no more use in it.
   *
   * @throws what the layer throws, or `ERR_INVALID_OPTION`.
   */
  open(layer: ChannelLayer, groups: readonly string[], subscriber: Subscriber): void | Promise<void> {
    const channel = layer.newChannel(subscriber);
    if (isThenable(channel) || groups.length > 0) return this.#join(layer, channel, groups);
    this.#channel = channel;
    return undefined;
  }

  /** Joins no more groups. */
  stopJoining(): void {
    if (this.#state === "open") this.#state = "leaving";
  }

  /** Closes the channel, which leaves every group. A failure is published, for nobody could do anything about it. */
  leave(alias: string): void | Promise<void> {
    this.#state = "left";
    try {
      return this.#channel?.close()?.catch((thrown: unknown) => reportLayer(alias, thrown));
    } catch (thrown) {
      return reportLayer(alias, thrown);
    }
  }

  async #join(layer: ChannelLayer, pending: Channel | Promise<Channel>, groups: readonly string[]): Promise<void> {
    const channel = await pending;
    // The consumer may have ended while the layer was slow; nobody else would close the channel then.
    if (this.#hasLeft()) return channel.close();
    this.#channel = channel;
    for (const group of groups) {
      if (this.#state === "open") await layer.groupAdd(group, channel.name);
    }
    return undefined;
  }

  /** Asked after a wait: TypeScript takes the state for what it was before. */
  #hasLeft(): boolean {
    return this.#state === "left";
  }
}

/** Publishes a failure of a layer of which no caller hears. */
export function reportLayer(alias: string, thrown: unknown): void {
  publish("millrace:layer:error", () => ({ layer: alias, error: toError(thrown) }));
}

/** @throws MillraceError `ERR_INVALID_OPTION`. */
export function checkGroups(groups: readonly string[]): void {
  if (Array.isArray(groups)) return;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: "A consumer's groups can't be joined",
    got: groups,
    wanted: "an array of names",
  });
}

/** What is published when a layer does not let go of a channel. */
export function channelStaysOpen(grace: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened: "The channel of a consumer that has ended does not close",
    wanted: `it within ${grace} ms`,
  });
}
