import { describe, expect, test } from "@jest/globals";
import { ChannelLayers, isMillraceError, lifespan, ProtocolTypeRouter, type Receive } from "millrace";
import { caught } from "../support/caught.ts";
import { socket } from "../support/landing.ts";
import { RecordingConnection } from "../support/recording-connection.ts";

const layers = new ChannelLayers();

async function begin(hooks: Parameters<typeof lifespan>[0]): Promise<Receive> {
  return ProtocolTypeRouter({ lifespan: lifespan(hooks) })(new RecordingConnection({ type: "lifespan" }, layers));
}

describe("lifespan", () => {
  test("runs its hooks, each with the layers, and waits for them", async () => {
    const told: unknown[] = [];
    const receive = await begin({
      startup: async (context) => {
        await Promise.resolve();
        told.push("startup", context.layers);
      },
      shutdown: (context) => {
        told.push("shutdown", context.layers);
      },
    });
    expect(told).toEqual([]);
    await receive({ type: "lifespan.startup" });
    expect(told).toEqual(["startup", layers]);
    await receive({ type: "lifespan.shutdown" });
    expect(told).toEqual(["startup", layers, "shutdown", layers]);
  });

  test("needs neither hook", async () => {
    const receive = await begin({});
    await expect(receive({ type: "lifespan.startup" })).resolves.toBeUndefined();
    await expect(receive({ type: "lifespan.shutdown" })).resolves.toBeUndefined();
  });

  test("rejects when a hook fails, at once or later", async () => {
    const receive = await begin({
      startup: () => {
        throw new Error("at once");
      },
      shutdown: () => Promise.reject(new Error("later")),
    });
    await expect(receive({ type: "lifespan.startup" })).rejects.toThrow("at once");
    await expect(receive({ type: "lifespan.shutdown" })).rejects.toThrow("later");
  });

  test("rejects an event that it does not know", async () => {
    const receive = await begin({});
    await expect(receive({ type: "lifespan.pause" })).rejects.toMatchObject({ code: "ERR_INVALID_EVENT" });
  });

  test("serves no other protocol", () => {
    expect(caught(() => lifespan({})(socket("/")))).toMatchObject({ code: "ERR_WRONG_PROTOCOL" });
  });

  test.each([
    [{ startUp: () => {} }, 'no hook startUp; did you mean "startup"?'],
    [{ startup: "now" }, "The hook startup can't be called"],
    [null, "lifespan takes hooks"],
  ])("refuses %p", (hooks, sentence) => {
    const error = caught(() => lifespan(hooks as never));
    expect(isMillraceError(error, "ERR_INVALID_OPTION")).toBe(true);
    expect(String(error)).toContain(sentence);
  });
});
