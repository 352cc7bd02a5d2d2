import { afterEach, expect } from "@jest/globals";
import { InMemoryChannelLayer } from "../../src/layers/in-memory.ts";

/** Makes a layer for each test, which must be empty again after it. */
export function memoryLayers(): () => InMemoryChannelLayer {
  const made: InMemoryChannelLayer[] = [];
  afterEach(async () => {
    const left = made.map((layer) => layer.stats());
    await Promise.all(made.splice(0).map((layer) => layer.close()));
    for (const stats of left) expect(stats).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });
  return () => {
    const layer = new InMemoryChannelLayer();
    made.push(layer);
    return layer;
  };
}
