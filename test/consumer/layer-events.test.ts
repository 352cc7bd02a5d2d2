import { describe, expect, test } from "@jest/globals";
import { type LayerMessage, type LayerRecovered, type Subscriber, WebsocketConsumer } from "millrace";
import { InMemoryChannelLayer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { layerEvent } from "../../src/protocol/layer-events.ts";
import { heard } from "../support/heard.ts";

const unhandled = heard("millrace:consumer:unhandled");

/** A layer that can be told to speak of itself. */
class TellingLayer extends InMemoryChannelLayer {
  readonly #subscribers: Subscriber[] = [];

  override newChannel(subscriber: Subscriber, prefix?: string): ReturnType<InMemoryChannelLayer["newChannel"]> {
    this.#subscribers.push(subscriber);
    return super.newChannel(subscriber, prefix);
  }

  tell(message: LayerMessage): void {
    for (const subscriber of this.#subscribers) void subscriber(message, Infinity);
  }
}

class HearingConsumer extends WebsocketConsumer {
  override readonly groups = ["room"];

  layer_degraded({ since }: { since: number }): void {
    this.send(`degraded ${since}`);
  }

  layer_recovered({ since, until }: LayerRecovered): void {
    this.send(`recovered ${since} ${until}`);
  }

  room_ping(): void {
    this.send("ping");
  }
}

class DeafConsumer extends WebsocketConsumer {
  override readonly groups = ["room"];

  room_ping(): void {
    this.send("ping");
  }
}

describe("what a layer tells of itself", () => {
  test("reaches the handlers layer_degraded and layer_recovered, with the interval", async () => {
    await using layer = new TellingLayer();
    const client = new WebsocketCommunicator(HearingConsumer, "/", { layers: { default: layer } });
    await client.connect();
    layer.tell(layerEvent({ type: "layer.degraded", since: 5 }));
    layer.tell(layerEvent({ type: "layer.recovered", since: 4, until: 9 }));
    expect([await client.receiveText(), await client.receiveText()]).toEqual(["degraded 5", "recovered 4 9"]);
    await client.disconnect();
  });

  test("is passed over by a consumer without these handlers, and not reported as unhandled", async () => {
    await using layer = new TellingLayer();
    const client = new WebsocketCommunicator(DeafConsumer, "/", { layers: { default: layer } });
    await client.connect();
    layer.tell(layerEvent({ type: "layer.recovered", since: 4, until: 9 }));
    await layer.groupSend("room", { type: "room.ping" });
    expect(await client.receiveText()).toBe("ping");
    expect(unhandled).toEqual([]);
    await client.disconnect();
  });

  test("can't be forged: a message of the same content reaches no handler, and is reported", async () => {
    await using layer = new TellingLayer();
    const client = new WebsocketCommunicator(HearingConsumer, "/", { layers: { default: layer } });
    await client.connect();
    await layer.groupSend("room", { type: "layer.recovered", since: 4, until: 9 });
    await layer.groupSend("room", { type: "room.ping" });
    expect(await client.receiveText()).toBe("ping");
    expect(unhandled).toEqual([expect.objectContaining({ type: "layer.recovered" })]);
    await client.disconnect();
  });
});
