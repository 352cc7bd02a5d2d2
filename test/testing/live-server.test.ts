import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { getChannelLayer, HttpConsumer, InMemoryChannelLayer, ProtocolTypeRouter, WebsocketConsumer } from "millrace";
import { liveServer } from "millrace/testing";
import { WebSocket } from "ws";

class Greeter extends WebsocketConsumer {
  override groups = ["greeted"];

  test_hello(event: { to: string }): void {
    this.send(`hello ${event.to}`);
  }
}

class Page extends HttpConsumer {
  override handle(): void {
    this.sendResponse(200, "a page");
  }
}

const application = ProtocolTypeRouter({ websocket: Greeter, http: Page });

test("a live server takes sockets and requests on a free port", async () => {
  await using server = await liveServer(application);
  expect(await (await fetch(server.url)).text()).toBe("a page");
  const socket = new WebSocket(server.websocketUrl);
  await once(socket, "open");
  await server.layers.get().groupSend<Greeter>("greeted", { type: "test.hello", to: "you" });
  const [message] = (await once(socket, "message")) as [Buffer];
  expect(message.toString()).toBe("hello you");
});

test("two live servers run side by side, each with layers of its own", async () => {
  await using first = await liveServer(application);
  await using second = await liveServer(application);
  expect(first.port).not.toBe(second.port);
  expect(first.layers.get()).not.toBe(second.layers.get());
  expect(getChannelLayer()).toBe(second.layers.get());
});

test("a live server closes the layer that it made, and leaves one that it was given", async () => {
  const own = await liveServer(application);
  await own.close();
  await expect(own.layers.get().flush()).rejects.toMatchObject({ code: "ERR_LAYER_CLOSED" });

  const layer = new InMemoryChannelLayer();
  const given = await liveServer(application, { layers: { default: layer } });
  await given.close();
  await expect(layer.flush()).resolves.toBeUndefined();
});
