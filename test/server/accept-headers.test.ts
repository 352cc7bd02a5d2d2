import { expect, test } from "@jest/globals";
import { WebsocketConsumer } from "millrace";
import { handshake, RawClient } from "./support/raw-client.ts";
import { serving } from "./support/serving.ts";

test("a header on accept is sent in Latin-1, as it is on a refusal, and messages in UTF-8 all the same", async () => {
  await using serves = await serving(
    class extends WebsocketConsumer {
      override connect(): void {
        this.accept(undefined, { "x-room": "café" });
        this.send("café");
      }
    },
  );
  using client = await RawClient.connect(serves.port);
  client.write(handshake());
  expect((await client.head()).headers).toMatchObject({ "x-room": "café" });
  expect((await client.frame()).payload.toString()).toBe("café");
});
