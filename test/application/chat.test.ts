import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InMemoryChannelLayer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import type { ChatOutput } from "../../consumers/chat.ts";
import { application } from "../../routing/routing.ts";

const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** A building whose rooms are apart from those of other tests. */
class Building {
  readonly layer = new InMemoryChannelLayer();

  async open(room: string): Promise<WebsocketCommunicator> {
    const target = `/ws/chat/${encodeURIComponent(room)}/`;
    const client = new WebsocketCommunicator(application, target, { layers: { default: this.layer } });
    expect(await client.connect()).toMatchObject({ accepted: true });
    return client;
  }

  /** Opens a room and goes in, past its own welcome. */
  async enter(room: string, name: string): Promise<WebsocketCommunicator> {
    const client = await this.open(room);
    await client.sendJson({ type: "join", name });
    expect(await next(client)).toEqual({ type: "welcome", person: person(name), at: time });
    return client;
  }
}

describe("the chat", () => {
  test("announces who comes, and tells a newcomer who is here", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    const bob = await building.enter("hall", "Bob");
    expect(await next(ada)).toEqual({ type: "joined", person: person("Bob"), at: time });
    expect(await next(bob)).toEqual({ type: "here", person: person("Ada") });
    const cy = await building.enter("hall", "Cy");
    const here = [await next(cy), await next(cy)];
    expect(here).toEqual([
      { type: "here", person: person("Ada") },
      { type: "here", person: person("Bob") },
    ]);
  });

  test("announces who leaves, however they leave", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    const bob = await building.enter("hall", "Bob");
    await next(ada);
    await bob.disconnect(1006);
    expect(await next(ada)).toEqual({ type: "left", person: person("Bob"), at: time });
    await ada.disconnect();
    expect(building.layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("says a message to everybody in the room, its author too, with the server's time", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    const bob = await building.enter("hall", "Bob");
    await next(ada);
    await next(bob);
    await ada.sendJson({ type: "say", id: "m1", text: "<b>hello</b>" });
    const said = { type: "said", id: "m1", person: person("Ada"), text: "<b>hello</b>", at: time };
    expect(await next(ada)).toEqual(said);
    expect(await next(bob)).toEqual(said);
  });

  test("lets all see one order", async () => {
    const building = new Building();
    const names = ["Ada", "Bob", "Cy"];
    const clients: WebsocketCommunicator[] = [];
    for (const name of names) clients.push(await building.enter("hall", name));
    // Each speaks without waiting for the others.
    await Promise.all(
      clients.map(async (client, of) => {
        for (let at = 0; at < 20; at++) await client.sendJson({ type: "say", id: `${of}-${at}`, text: "hi" });
      }),
    );
    const orders = await Promise.all(clients.map((client) => saidBy(client, 60)));
    expect(orders[0]).toHaveLength(60);
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[2]).toEqual(orders[0]);
  });

  test("changes a name, and tells so", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    await ada.sendJson({ type: "join", name: "Countess" });
    expect(await next(ada)).toEqual({ type: "renamed", person: person("Countess"), before: "Ada", at: time });
    await ada.sendJson({ type: "join", name: "Countess" });
    expect(await ada.receiveNothing(50)).toBe(true);
  });

  test("keeps rooms apart, whatever they are called", async () => {
    const building = new Building();
    const rooms = ["hall", "hall.", "客厅", "a/b", "a", "50% off?", "🌊".repeat(60)];
    const clients = await Promise.all(rooms.map((room) => building.enter(room, "Ada")));
    for (const [at, client] of clients.entries()) await client.sendJson({ type: "say", id: String(at), text: "hi" });
    for (const [at, client] of clients.entries()) {
      expect(await next(client)).toMatchObject({ type: "said", id: String(at) });
      expect(await client.receiveNothing(5)).toBe(true);
    }
  });

  test("refuses a room whose name is too long with 404", async () => {
    const target = `/ws/chat/${"a".repeat(61)}/`;
    expect(await new WebsocketCommunicator(application, target).connect()).toMatchObject({
      accepted: false,
      status: 404,
    });
  });

  test("hears nobody who has not said a name", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    const nameless = await building.open("hall");
    await nameless.sendJson({ type: "say", id: "m1", text: "hi" });
    expect(await next(nameless)).toEqual({ type: "error", id: "m1", problem: "Say who you are first." });
    await nameless.disconnect();
    expect(await ada.receiveNothing(50)).toBe(true);
  });

  test("answers bad input with an error, to that client alone, and keeps its socket", async () => {
    const building = new Building();
    const ada = await building.enter("hall", "Ada");
    const bob = await building.enter("hall", "Bob");
    await next(ada);
    await next(bob);
    for (const bad of ["no JSON", "", "[]", '{"type":"say","id":"x","text":""}', Buffer.from("bytes")]) {
      await ada.send(bad);
      expect(await next(ada)).toMatchObject({ type: "error" });
    }
    expect(await bob.receiveNothing(20)).toBe(true);
    await ada.sendJson({ type: "say", id: "m1", text: "still here" });
    expect(await next(bob)).toMatchObject({ type: "said", text: "still here" });
  });

  test("no text that a client sends ends its socket", async () => {
    const client = await new Building().enter("hall", "Ada");
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.anything().map(asJson)), async (text) => {
        await client.send(text);
        await client.wait();
      }),
      { numRuns: 300 },
    );
    await client.sendJson({ type: "say", id: "the-last", text: "still here" });
    for (let message = await next(client); message.type !== "said"; message = await next(client)) {
      expect(["error", "renamed"]).toContain(message.type);
    }
  });
});

function person(name: string): unknown {
  return { id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown, name };
}

function next(client: WebsocketCommunicator): Promise<ChatOutput> {
  return client.receiveJson<ChatOutput>();
}

async function saidBy(client: WebsocketCommunicator, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const message = await next(client);
    if (message.type === "said") ids.push(message.id);
  }
  return ids;
}

/** JSON of anything that has one. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return "{}";
  }
}
