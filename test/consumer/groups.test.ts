import { describe, expect, test } from "@jest/globals";
import { ChannelLayers, getChannelLayer, installChannelLayers, WebsocketConsumer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { memoryLayers } from "../support/memory.ts";

const newLayer = memoryLayers();

class Member extends WebsocketConsumer {
  override groups = ["room", "hall"];

  room_news(event: { text: string }): void {
    this.send(event.text);
  }
}

describe("the groups of a consumer", () => {
  test("are joined before connect, and left at the end", async () => {
    const layer = newLayer();
    let atConnect = 0;
    class Watching extends Member {
      override connect(): void {
        atConnect = layer.stats().members;
        this.accept();
      }
    }
    const communicator = new WebsocketCommunicator(Watching, "/", { layers: { default: layer } });
    await communicator.connect();
    expect(atConnect).toBe(2);
    await layer.groupSend<Member>("hall", { type: "room.news", text: "hello" });
    expect(await communicator.receiveText()).toBe("hello");
    await communicator.disconnect();

    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("are still the consumer's own in disconnect, so that it can say good-bye", async () => {
    const layers = { default: newLayer() };
    class Polite extends Member {
      override async disconnect(): Promise<void> {
        await this.channelLayer.groupSend<Member>("room", { type: "room.news", text: "good-bye" });
      }
    }
    const staying = new WebsocketCommunicator(Member, "/", { layers });
    const leaving = new WebsocketCommunicator(Polite, "/", { layers });
    await staying.connect();
    await leaving.connect();
    await leaving.disconnect();

    expect(await staying.receiveText()).toBe("good-bye");
    await staying.disconnect();
  });

  test("that were joined by hand are left at the end as well", async () => {
    const layer = newLayer();
    class Joining extends WebsocketConsumer {
      override async connect(): Promise<void> {
        await this.channelLayer.groupAdd("by.hand", this.channelName);
        this.accept();
      }
    }
    const communicator = new WebsocketCommunicator(Joining, "/", { layers: { default: layer } });
    await communicator.connect();
    expect(layer.stats().members).toBe(1);
    await communicator.disconnect();

    expect(layer.stats().members).toBe(0);
  });

  test.each<[string, unknown]>([
    ["no list", "room"],
    ["a wrong name", ["a room"]],
    ["no name", [undefined]],
  ])("refuse the socket with an error of its own when they are %s", async (_, groups) => {
    class Wrong extends WebsocketConsumer {
      override groups = groups as string[];
    }
    const communicator = new WebsocketCommunicator(Wrong, "/", { layers: { default: newLayer() } });
    await expect(communicator.connect()).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_(OPTION|NAME)$/),
    });
    expect(await communicator.connect()).toMatchObject({ accepted: false, status: 500 });
    await communicator.disconnect();
  });
});

describe("a consumer's own channel", () => {
  class Direct extends WebsocketConsumer {
    override receive(): void {
      this.send(this.channelName);
    }

    direct_message(event: { text: string }): void {
      this.send(event.text);
    }
  }

  test("takes messages that are sent to its name, on the layer of its alias alone", async () => {
    const layers = { default: newLayer(), second: newLayer() };
    class OnSecond extends Direct {
      override channelLayerAlias = "second";
    }
    const communicator = new WebsocketCommunicator(OnSecond, "/", { layers });
    await communicator.connect();
    await communicator.send("who are you?");
    const name = await communicator.receiveText();

    expect(layers.default.stats().channels).toBe(0);
    await layers.second.send<Direct>(name, { type: "direct.message", text: "for you" });
    expect(await communicator.receiveText()).toBe("for you");
    await expect(layers.default.send<Direct>(name, { type: "direct.message", text: "lost" })).rejects.toMatchObject({
      code: "ERR_CHANNEL_CLOSED",
    });
    await communicator.disconnect();
  });

  test("has a name that is no other consumer's, and that says nothing once the consumer has ended", async () => {
    const layer = newLayer();
    const names = new Set<string>();
    for (let count = 0; count < 3; count++) {
      const communicator = new WebsocketCommunicator(Direct, "/", { layers: { default: layer } });
      await communicator.connect();
      await communicator.send("");
      names.add(await communicator.receiveText());
      await communicator.disconnect();
    }

    expect(names.size).toBe(3);
    for (const name of names) {
      await expect(layer.send<Direct>(name, { type: "direct.message", text: "" })).rejects.toMatchObject({
        code: "ERR_CHANNEL_CLOSED",
      });
    }
  });
});

describe("an application without layers", () => {
  const layers = {};

  test("serves consumers that need none", async () => {
    const communicator = new WebsocketCommunicator(WebsocketConsumer, "/", { layers });
    expect(await communicator.connect()).toMatchObject({ accepted: true });
    await communicator.disconnect();
  });

  test.each<[string, (consumer: WebsocketConsumer) => unknown]>([
    ["channelLayer", (consumer) => consumer.channelLayer],
    ["channelName", (consumer) => consumer.channelName],
  ])("fails by an error that says so where a consumer asks for %s", async (_, ask) => {
    class Asking extends WebsocketConsumer {
      override connect(): void {
        ask(this);
      }
    }
    const communicator = new WebsocketCommunicator(Asking, "/", { layers });
    await expect(communicator.connect()).rejects.toMatchObject({ code: "ERR_NO_CHANNEL_LAYER" });
    await communicator.disconnect();
  });

  test.each<[string, Partial<WebsocketConsumer>]>([
    ["has groups", { groups: ["room"] }],
    ["names another layer", { channelLayerAlias: "second" }],
  ])("refuses a consumer that %s", async (_, init) => {
    const communicator = new WebsocketCommunicator(WebsocketConsumer.asApplication(init), "/", { layers });
    await expect(communicator.connect()).rejects.toMatchObject({ code: "ERR_NO_CHANNEL_LAYER" });
    expect(await communicator.connect()).toMatchObject({ status: 500 });
    await communicator.disconnect();
  });
});

describe("code outside of consumers", () => {
  test("reaches their groups through getChannelLayer", async () => {
    const layer = newLayer();
    const installed = installChannelLayers(new ChannelLayers({ default: layer }));
    const communicator = new WebsocketCommunicator(Member, "/", { layers: { default: layer } });
    await communicator.connect();
    await getChannelLayer().groupSend<Member>("room", { type: "room.news", text: "from outside" });
    installed[Symbol.dispose]();

    expect(await communicator.receiveText()).toBe("from outside");
    await communicator.disconnect();
  });
});

describe("what a handler sends to its own group", () => {
  const many = 3000;

  /** Sends many messages to its group: all at once, or each in answer to the last. */
  class Talking extends WebsocketConsumer {
    override groups = ["room"];
    #answers = false;

    override receive(text: string): void {
      this.#answers = text === "each in answer to the last";
      for (let at = 1; at <= (this.#answers ? 1 : many); at++) this.say(at);
    }

    room_said({ at }: { at: number }): void {
      this.send(String(at));
      if (this.#answers && at < many) this.say(at + 1);
    }

    say(at: number): void {
      void this.channelLayer.groupSend<Talking>("room", { type: "room.said", at });
    }
  }

  test.each(["all at once", "each in answer to the last"])(
    "comes to itself as to others, although a channel's capacity is less: %s",
    async (how) => {
      const layers = { default: newLayer() };
      const talking = new WebsocketCommunicator(Talking, "/", { layers });
      const other = new WebsocketCommunicator(Talking, "/", { layers });
      await talking.connect();
      await other.connect();
      expect(layers.default.capacity).toBeLessThan(many);
      await talking.send(how);
      for (const member of [talking, other]) {
        for (let at = 1; at <= many; at++) expect(await member.receiveText()).toBe(String(at));
      }
      await talking.disconnect();
      await other.disconnect();
    },
  );
});
