import { publish } from "../protocol/diagnostics.ts";
import { layerEvent } from "../protocol/layer-events.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { ConditionListener } from "../redis/condition.ts";
import type { LocalSide } from "./local-side.ts";

/**
 * Tells all channels of this process when the layer has lost something and when it is well again:
 * consumers hear of it by `layer_degraded` and `layer_recovered`. A channel that is full is
 * reported by `millrace:layer:over-capacity`.
 */
export function conditionTeller(kind: string, local: LocalSide): Required<ConditionListener> {
  const tellAll = (message: LayerMessage): void => {
    for (const target of local.deliverToAll(message)) {
      publish("millrace:layer:over-capacity", () => ({ layer: kind, target, type: message.type, members: 1 }));
    }
  };
  return {
    onDegraded: (since) => tellAll(layerEvent({ type: "layer.degraded", since })),
    onRecovered: (gap) => tellAll(layerEvent({ type: "layer.recovered", ...gap })),
  };
}
