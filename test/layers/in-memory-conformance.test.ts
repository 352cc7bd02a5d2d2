import { describe, expect, test } from "@jest/globals";
import { InMemoryChannelLayer } from "millrace";
import { layerConformance } from "millrace/testing";

describe("InMemoryChannelLayer keeps what every layer promises", () => {
  for (const { name, run } of layerConformance({ make: (options) => new InMemoryChannelLayer(options) })) {
    test(name, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
