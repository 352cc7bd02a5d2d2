import type { Incoming } from "../protocol/events.ts";
import type { HandlerClass } from "./handlers.ts";

/** What a lifetime drives: a consumer's instance, seen from within. */
export interface Served {
  readonly groups: readonly string[];
  readonly channelLayerAlias: string;
  onError(error: Error, event: Incoming): void | Promise<void>;
}

/** What a consumer's class settles for all of its instances. */
export interface ServedClass extends HandlerClass {
  /** How many events are handled at once after `connect`. */
  readonly concurrency: number;
  /** For how many milliseconds handlers may go on after the peer is gone. */
  readonly grace: number;
}
