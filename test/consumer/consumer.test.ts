import { describe, expect, test } from "@jest/globals";
import { Consumer, type Incoming, WebsocketConsumer } from "millrace";
import { ApplicationCommunicator, WebsocketCommunicator } from "millrace/testing";
import { caught } from "../support/caught.ts";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";
import { memoryLayers } from "../support/memory.ts";

const newLayer = memoryLayers();

describe("asApplication", () => {
  class Greeting extends WebsocketConsumer<"/hello/:name/"> {
    greeting = "hello";
    readonly from = this.params.name;

    override connect(): void {
      this.accept();
      this.send(`${this.greeting} ${this.from}`);
    }
  }
  const scope = { params: { name: "kim" } };

  async function greeted(application: Parameters<typeof open>[0]): Promise<string> {
    const communicator = await open(application);
    const text = await communicator.receiveText();
    await communicator.disconnect();
    return text;
  }

  async function open(
    application: ConstructorParameters<typeof WebsocketCommunicator>[0],
  ): Promise<WebsocketCommunicator> {
    const communicator = new WebsocketCommunicator(application, "/hello/kim/", { scope });
    await communicator.connect();
    return communicator;
  }

  test("gives values to the fields of each instance, over those of the class", async () => {
    expect(await greeted(Greeting.asApplication({ greeting: "salut" }))).toBe("salut kim");
    expect(await greeted(Greeting.asApplication())).toBe("hello kim");
  });

  test("is what a route makes of the class itself", async () => {
    expect(await greeted(Greeting)).toBe("hello kim");
  });

  test("lets class fields use what the route captured", async () => {
    expect(await greeted(Greeting)).toContain("kim");
  });

  test("makes a new instance for each connection", async () => {
    let instances = 0;
    class Counted extends WebsocketConsumer {
      readonly number = ++instances;
    }
    const application = Counted.asApplication();
    for (let count = 0; count < 3; count++) await (await open(application)).disconnect();

    expect(instances).toBe(3);
  });

  test.each(["connect", "send", "scope", "params", "constructor", "toString"])("refuses to replace %s", (name) => {
    expect(caught(() => Greeting.asApplication({ [name]: () => {} }))).toMatchObject({
      code: "ERR_INVALID_OPTION",
      message: expect.stringContaining(`Greeting.asApplication can't replace ${name}`),
    });
  });

  test("fails where it is called, when a constructor throws, and leaves nothing to the next instance", () => {
    class Broken extends WebsocketConsumer {
      // oxlint-disable-next-line constructor-super -- that it is not reached is what is tried
      constructor() {
        throw new Error("no fields yet");
        // oxlint-disable-next-line no-unreachable -- TypeScript wants a call of super somewhere
        super();
      }
    }
    const connection = new RecordingConnection(websocketScope("/"));
    expect(() => Broken.asApplication()(connection)).toThrow("no fields yet");

    expect(caught(() => new WebsocketConsumer().scope)).toMatchObject({ code: "ERR_NO_CONNECTION" });
  });
});

describe("a consumer that nothing has connected", () => {
  test.each<[string, (consumer: WebsocketConsumer) => unknown]>([
    ["scope", (consumer) => consumer.scope],
    ["params", (consumer) => consumer.params],
    ["channelLayer", (consumer) => consumer.channelLayer],
    ["channelName", (consumer) => consumer.channelName],
    ["signal", (consumer) => consumer.signal],
    ["accept", (consumer) => consumer.accept()],
    ["send", (consumer) => consumer.send("")],
    ["drained", (consumer) => consumer.drained()],
  ])("says so when its %s is used", (_, use) => {
    class Lonely extends WebsocketConsumer {}
    expect(caught(() => use(new Lonely()))).toMatchObject({
      code: "ERR_NO_CONNECTION",
      message: expect.stringContaining("Lonely has no connection yet"),
    });
  });

  test("says so when a class field sends, which is too early", () => {
    class Hasty extends WebsocketConsumer {
      readonly sent = this.send("early");
    }
    expect(caught(() => Hasty.asApplication()(new RecordingConnection(websocketScope("/"))))).toMatchObject({
      code: "ERR_NO_CONNECTION",
    });
  });
});

describe("a consumer of a background channel", () => {
  const scope = { type: "channel", channel: "thumbnails" } as const;

  class Thumbnails extends Consumer {
    static readonly log: string[] = [];
    override groups = ["workers"];
    made = 0;

    async thumbnail_make(event: { name: string }): Promise<void> {
      await Promise.resolve();
      Thumbnails.log.push(`${event.name} ${++this.made}`);
    }

    override channel_disconnect(): void {
      Thumbnails.log.push("stopped");
    }
  }

  test("handles the channel's messages and its groups', one at a time, and is told when it is stopped", async () => {
    Thumbnails.log.length = 0;
    const layer = newLayer();
    const communicator = new ApplicationCommunicator(Thumbnails, scope, { layers: { default: layer } });
    await communicator.sendInput({ type: "thumbnail.make", name: "a" });
    await communicator.sendInput({ type: "thumbnail.make", name: "b" });
    await communicator.wait();
    await layer.groupSend<Thumbnails>("workers", { type: "thumbnail.make", name: "c" });
    await communicator.sendInput({ type: "channel.disconnect" });
    await communicator.wait();

    expect(Thumbnails.log).toEqual(["a 1", "b 2", "c 3", "stopped"]);
  });

  test("rejects what it was given when the handler failed, and is over", async () => {
    const failure = new Error("no such picture");
    class Failing extends Thumbnails {
      override thumbnail_make(): Promise<void> {
        return Promise.reject(failure);
      }
    }
    Thumbnails.log.length = 0;
    const communicator = new ApplicationCommunicator(Failing, scope, { layers: { default: newLayer() } });
    await communicator.sendInput({ type: "thumbnail.make", name: "a" });
    await expect(communicator.wait()).rejects.toBe(failure);
    await communicator.sendInput({ type: "thumbnail.make", name: "b" });
    await communicator.wait();

    expect(Thumbnails.log).toEqual(["stopped"]);
  });

  test("may have handlers whose types begin as its transport's do", async () => {
    const seen: Incoming[] = [];
    class Relay extends Consumer {
      channel_renamed(event: Incoming): void {
        seen.push(event);
      }
    }
    const communicator = new ApplicationCommunicator(Relay, scope, { layers: { default: newLayer() } });
    await communicator.sendInput({ type: "channel.renamed", to: "x" });
    await communicator.sendInput({ type: "channel.disconnect" });
    await communicator.wait();

    expect(seen).toEqual([{ type: "channel.renamed", to: "x" }]);
  });
});
