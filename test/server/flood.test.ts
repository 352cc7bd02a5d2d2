import { describe, expect, test } from "@jest/globals";
import { WebsocketConsumer } from "millrace";
import { clientFrame, opcodes, RawClient } from "./support/raw-client.ts";
import { accepting, Log, Published, serving } from "./support/serving.ts";

/** What one packet may hold of messages without content. */
const packet = Array.from({ length: 500 }, (_, at) => clientFrame(opcodes.text, String(at)));

/** An application that logs what it gets, and handles nothing before it is let. */
function stalled() {
  const log = new Log<string>();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const application = accepting((event) => {
    if (event.type === "websocket.disconnect") log.add("disconnect");
    if (event.type !== "websocket.receive") return undefined;
    log.add(`${Number(event["text"])}`);
    return released;
  });
  return { application, log, release: () => release() };
}

test("a packet with more messages than a channel's capacity comes back whole from a group, through a handler that waits for nothing", async () => {
  class Room extends WebsocketConsumer {
    override groups = ["room"];

    override receive(text: string): void {
      void this.channelLayer.groupSend<Room>("room", { type: "room.said", text });
    }

    room_said({ text }: { text: string }): void {
      this.send(text);
    }
  }
  await using serves = await serving(Room);
  using client = await RawClient.open(serves.port);
  client.write(Buffer.concat(packet));
  for (const at of packet.keys()) expect(await client.text()).toBe(String(at));
});

describe("a packet with more messages than the mailbox's limit", () => {
  test("is handed on only as far as the limit goes, and then in order as messages are handled", async () => {
    using published = new Published("millrace:websocket:paused");
    const { application, log, release } = stalled();
    await using serves = await serving(application, { mailboxLimit: 4 });
    using client = await RawClient.open(serves.port);
    client.write(Buffer.concat(packet));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.entries).toEqual(["0", "1", "2", "3"]);
    release();
    await log.find((entry) => entry === "499");
    expect(log.entries).toEqual(packet.map((_, at) => String(at)));
    await published.next("millrace:websocket:paused", ({ paused }) => !paused);
  });

  test("comes whole before disconnect when its client has left", async () => {
    using published = new Published("millrace:websocket:paused");
    const { application, log, release } = stalled();
    await using serves = await serving(application, { mailboxLimit: 4, pausedTimeout: 50 });
    using client = await RawClient.open(serves.port);
    client.write(Buffer.concat(packet));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    client.reset();
    await log.find((entry) => entry === "disconnect");
    expect(log.entries).toEqual([...packet.map((_, at) => String(at)), "disconnect"]);
    release();
  });
});
