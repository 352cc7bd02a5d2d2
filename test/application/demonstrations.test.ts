import { describe, expect, test } from "@jest/globals";
import { InMemoryChannelLayer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { application } from "../../routing/routing.ts";

describe("one to one", () => {
  test("accepts, and answers every message with 收到了", async () => {
    const client = new WebsocketCommunicator(application, "/x1/");
    expect(await client.connect()).toMatchObject({ accepted: true });
    for (const said of ["hello", "", "你好"]) {
      await client.send(said);
      expect(await client.receiveText()).toBe("收到了");
    }
    await client.disconnect();
  });

  test("answers only the client that spoke", async () => {
    const layers = { default: new InMemoryChannelLayer() };
    const [speaker, other] = [1, 2].map(() => new WebsocketCommunicator(application, "/x1/", { layers }));
    await speaker?.connect();
    await other?.connect();
    await speaker?.send("hello");
    expect(await speaker?.receiveText()).toBe("收到了");
    expect(await other?.receiveNothing(50)).toBe(true);
  });
});

describe("many to many", () => {
  test.each([
    ["/x2/", "the low-level style"],
    ["/x3/", "the hook style"],
  ])("what is said on %s, in %s, reaches every client of both styles", async (path) => {
    const layers = { default: new InMemoryChannelLayer() };
    const clients = ["/x2/", "/x2/", "/x3/", "/x3/"].map(
      (each) => new WebsocketCommunicator(application, each, { layers }),
    );
    for (const client of clients) expect(await client.connect()).toMatchObject({ accepted: true });
    const speaker = new WebsocketCommunicator(application, path, { layers });
    await speaker.connect();
    await speaker.send("大家好");
    for (const client of [...clients, speaker]) expect(await client.receiveText()).toBe("大家好");
  });

  test.each(["/x2/", "/x3/"])("binary data closes %s with 1003", async (path) => {
    const client = new WebsocketCommunicator(application, path);
    await client.connect();
    await client.send(Buffer.of(1));
    expect(await client.receiveClose()).toMatchObject({ code: 1003 });
    await client.disconnect();
  });

  test("a client that left hears no more, and nothing of it stays", async () => {
    const layer = new InMemoryChannelLayer();
    const layers = { default: layer };
    for (const path of ["/x2/", "/x3/"]) {
      const client = new WebsocketCommunicator(application, path, { layers });
      await client.connect();
      expect(layer.stats()).toMatchObject({ channels: 1, members: 1 });
      await client.disconnect();
      expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
    }
  });
});
