import { publish } from "../protocol/diagnostics.ts";
import { layerEvent } from "../protocol/layer-events.ts";
import type { LayerMessage } from "../protocol/message.ts";
import { LayerCondition } from "../redis/condition.ts";
import type { LocalSide } from "./local-side.ts";

/**
 * The condition of a layer, of which its diagnostics and all channels of this process hear:
 * consumers by `layer_degraded` and `layer_recovered`. A channel that is full is reported.
 */
export function announcedCondition(kind: string, local: LocalSide): LayerCondition {
  const tellAll = (message: LayerMessage): void =>
    local.deliverToAll(message, (target) =>
      publish("millrace:layer:over-capacity", () => ({ layer: kind, target, type: message.type, members: 1 })),
    );
  return new LayerCondition(kind, {
    onDegraded: (since) => tellAll(layerEvent({ type: "layer.degraded", since })),
    onRecovered: (gap) => tellAll(layerEvent({ type: "layer.recovered", ...gap })),
  });
}
