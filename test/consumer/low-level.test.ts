import { describe, expect, test } from "@jest/globals";
import { StopConsumer, WebsocketConsumer } from "millrace";
import type { WebsocketConnect, WebsocketDisconnect, WebsocketReceive } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { memoryLayers } from "../support/memory.ts";

const newLayer = memoryLayers();

describe("the low-level style, one to one", () => {
  test("answers every message, and hears the events as they came", async () => {
    const log: unknown[] = [];
    class ChatConsumer extends WebsocketConsumer {
      override websocket_connect(message: WebsocketConnect): void {
        log.push(message);
        this.accept();
      }

      override websocket_receive(message: WebsocketReceive): void {
        log.push(message);
        this.send("收到了");
      }

      override websocket_disconnect(message: WebsocketDisconnect): void {
        log.push(message);
        throw new StopConsumer();
      }
    }
    const communicator = new WebsocketCommunicator(ChatConsumer, "/x1/");
    expect(await communicator.connect()).toMatchObject({ accepted: true });
    await communicator.send("fdsfsdfafd");
    expect(await communicator.receiveText()).toBe("收到了");
    await communicator.disconnect(1001);

    expect(log).toEqual([
      { type: "websocket.connect" },
      { type: "websocket.receive", text: "fdsfsdfafd" },
      { type: "websocket.disconnect", code: 1001, reason: "" },
    ]);
  });
});

/** Many to many in the low-level style. */
class ChatConsumer extends WebsocketConsumer {
  override async websocket_connect(): Promise<void> {
    await this.channelLayer.group_add("22922192", this.channelName);
    this.accept();
  }

  override async websocket_receive(message: WebsocketReceive): Promise<void> {
    await this.channelLayer.group_send<ChatConsumer>("22922192", { type: "xxx.ooo", message: message.text ?? "" });
  }

  xxx_ooo(event: { message: string }): void {
    const { message } = event;
    this.send(message);
  }

  override async websocket_disconnect(): Promise<void> {
    await this.channelLayer.group_discard("22922192", this.channelName);
    throw new StopConsumer();
  }
}

/** The same in the hook style. */
class NewChatConsumer extends WebsocketConsumer {
  override async connect(): Promise<void> {
    await this.channelLayer.groupAdd("22922192", this.channelName);
    this.accept();
  }

  override async receive(text: string): Promise<void> {
    await this.channelLayer.groupSend<NewChatConsumer>("22922192", { type: "xxx.ooo", message: text });
  }

  xxx_ooo(event: { message: string }): void {
    const { message } = event;
    this.send(message);
  }

  override async disconnect(): Promise<void> {
    await this.channelLayer.groupDiscard("22922192", this.channelName);
  }
}

describe("many to many, in both styles", () => {
  test("a message that is sent on one reaches every client of both", async () => {
    const layer = newLayer();
    const layers = { default: layer };
    const clients = [ChatConsumer, ChatConsumer, NewChatConsumer, NewChatConsumer].map(
      (consumer) => new WebsocketCommunicator(consumer, "/", { layers }),
    );
    for (const client of clients) await client.connect();
    await clients[0]?.send("from below");
    await clients[3]?.send("from above");
    for (const client of clients) {
      expect([await client.receiveText(), await client.receiveText()].toSorted()).toEqual(["from above", "from below"]);
    }
    for (const client of clients) await client.disconnect();

    expect(layer.stats().groups).toBe(0);
  });

  test("who has left hears nothing more", async () => {
    const layers = { default: newLayer() };
    const staying = new WebsocketCommunicator(ChatConsumer, "/", { layers });
    const leaving = new WebsocketCommunicator(NewChatConsumer, "/", { layers });
    await staying.connect();
    await leaving.connect();
    await leaving.disconnect();
    await staying.send("alone");

    expect(await staying.receiveText()).toBe("alone");
    expect(await leaving.receiveNothing(10)).toBe(true);
    await staying.disconnect();
  });
});

describe("StopConsumer", () => {
  test("thrown on an open socket closes it with 1000, after disconnect", async () => {
    const codes: number[] = [];
    class Stopping extends WebsocketConsumer {
      override receive(): void {
        throw new StopConsumer();
      }

      override disconnect(code: number): void {
        codes.push(code);
      }
    }
    const communicator = new WebsocketCommunicator(Stopping, "/", { layers: { default: newLayer() } });
    await communicator.connect();
    await communicator.send("stop");
    expect(await communicator.receiveClose()).toEqual({ code: 1000, reason: "" });
    await communicator.disconnect();

    expect(codes).toEqual([1000]);
  });

  test("thrown in a layer's handler does the same", async () => {
    const layer = newLayer();
    class Stopping extends WebsocketConsumer {
      override groups = ["room"];

      room_over(): void {
        throw new StopConsumer();
      }
    }
    const communicator = new WebsocketCommunicator(Stopping, "/", { layers: { default: layer } });
    await communicator.connect();
    await layer.groupSend<Stopping>("room", { type: "room.over" });

    expect(await communicator.receiveClose()).toEqual({ code: 1000, reason: "" });
    await communicator.disconnect();
  });

  test("leaves it at the code that the consumer has closed with before", async () => {
    class Stopping extends WebsocketConsumer {
      override receive(): void {
        this.close(4002, "first");
        throw new StopConsumer();
      }
    }
    const communicator = new WebsocketCommunicator(Stopping, "/", { layers: { default: newLayer() } });
    await communicator.connect();
    await communicator.send("stop");

    expect(await communicator.receiveClose()).toEqual({ code: 4002, reason: "first" });
    await communicator.disconnect();
  });
});
