import type { LayerMessage } from "./message.ts";

/** A layer lost a connection by which it receives. It comes once more where another turns out to have been lost earlier. */
export interface LayerDegraded {
  readonly type: "layer.degraded";
  /** From then on messages may be missing, in milliseconds since 1970. */
  readonly since: number;
}

/** A layer receives again all that it received before. */
export interface LayerRecovered {
  readonly type: "layer.recovered";
  /** Messages that were sent between the two times may be missing, in milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
}

/** What a layer tells its channels of itself. A consumer hears of it by `layer_degraded` and `layer_recovered`. */
export type LayerEvent = LayerDegraded | LayerRecovered;

const events = new WeakSet<object>();

/** Makes a message that tells of a layer: none of the same content that came from elsewhere is taken for one. */
export function layerEvent(event: LayerEvent): LayerMessage {
  const message: LayerMessage = Object.freeze({ ...event });
  events.add(message);
  return message;
}

/** Whether a message was made by {@link layerEvent}. */
export function isLayerEvent(message: { readonly type: string }): boolean {
  // Nearly all messages are none by their type, which costs less to see.
  return (message.type === "layer.degraded" || message.type === "layer.recovered") && events.has(message);
}
