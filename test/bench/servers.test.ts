import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { Stage } from "../../bench/stage/stage.ts";
import { daphne, millrace, startServers } from "../../bench/processes/servers.ts";

describe.each([millrace, daphne])("the benchmarks' server on $name", (program) => {
  test.each(["redis+pubsub", "redis+core"])(
    "hands each message to all members in all its processes, by %s",
    async (layer) => {
      const onLayer = { ...program, layer };
      await using stage = await Stage.set({ programs: [onLayer], processes: 2, redis: true });
      await stage.enter(onLayer, "everybody", { clients: 6 });
      const outcome = await stage.run(onLayer, "everybody", { seconds: 0.2, size: 64, window: 2 });
      expect(outcome.messages).toBeGreaterThan(0);
      expect(outcome.deliveries).toBe(outcome.messages * 6);
      expect(outcome.serverTime).toBeGreaterThan(0);
    },
  );

  test("echoes, without any layer in Redis", async () => {
    await using servers = await startServers(program);
    const client = new WebSocket(`ws://127.0.0.1:${servers.ports[0]}/echo`);
    await once(client, "open");
    client.send("hello");
    // What `ws` gives for a message: its bytes, and whether they are binary.
    const [bytes] = (await once(client, "message")) as [Buffer];
    expect(bytes.toString()).toBe("hello");
    client.terminate();
  });
});
