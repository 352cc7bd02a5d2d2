import { afterEach, describe, expect, test } from "@jest/globals";
import {
  type ApplicationLike,
  ChannelLayers,
  type Connection,
  type Outgoing,
  TransportConnection,
  WebsocketConsumer,
  type WebsocketScope,
} from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { websocketScope } from "../support/recording-connection.ts";

/** A transport whose members lie on its prototype, as in a class they do. */
class Transport extends TransportConnection<WebsocketScope> {
  readonly sent: Outgoing[] = [];
  waits = 0;

  send(event: Outgoing): boolean {
    this.sent.push(event);
    return this.sent.length < 3;
  }

  async drained(): Promise<void> {
    this.waits++;
  }

  end(): void {
    this.endSession();
  }
}

const layers = new ChannelLayers();
const text = (message: string): Outgoing => ({ type: "websocket.send", text: message });

describe("a derived connection", () => {
  test("has another scope and leaves all else to its origin", async () => {
    const transport = new Transport(websocketScope("/a"), layers);
    const derived = transport.with({ scope: { ...transport.scope, user: "kim" } });

    expect(derived.scope["user"]).toBe("kim");
    expect(derived.layers).toBe(layers);
    expect(derived.send(text("1"))).toBe(true);
    expect(derived.send(text("2"))).toBe(true);
    expect(derived.send(text("3"))).toBe(false);
    expect(transport.sent).toEqual([text("1"), text("2"), text("3")]);
    await derived.drained();
    expect(transport.waits).toBe(1);
    expect(derived.signal).toBe(transport.signal);
  });

  test("keeps the scope when only the way to send changes, and the way to send when only the scope does", () => {
    const transport = new Transport(websocketScope("/a"), layers);
    const loud = transport.with({ send: () => transport.send(text("LOUD")) });
    const named = loud.with({ scope: { ...loud.scope, user: "kim" } });

    expect(loud.scope).toBe(transport.scope);
    named.send(text("quiet"));
    expect(transport.sent).toEqual([text("LOUD")]);
    expect(named.scope["user"]).toBe("kim");
  });

  test("sends through every middleware, the innermost first", () => {
    const transport = new Transport(websocketScope("/a"), layers);
    const marking = (connection: Connection<WebsocketScope>, mark: string): Connection<WebsocketScope> =>
      connection.with({
        send: (event) => connection.send(event.type === "websocket.send" ? text(`${event.text}${mark}`) : event),
      });
    marking(marking(transport, "-outer"), "-inner").send(text("x"));

    expect(transport.sent).toEqual([text("x-inner-outer")]);
  });

  test("is flat: a long line of middleware makes it neither deeper nor slower", () => {
    const transport = new Transport(websocketScope("/a"), layers);
    let connection: Connection<WebsocketScope> = transport;
    for (let hop = 0; hop < 100_000; hop++) connection = connection.with({ scope: { ...transport.scope, hop } });

    expect(connection.scope["hop"]).toBe(99_999);
    expect(connection.send(text("1"))).toBe(true);
    expect(connection.signal).toBe(transport.signal);
    expect(Object.getPrototypeOf(connection)).toBe(Object.getPrototypeOf(transport.with({})));
  });
});

describe("a session's signal", () => {
  const { AbortController } = globalThis;

  afterEach(() => {
    globalThis.AbortController = AbortController;
  });

  test("aborts when the session is over", () => {
    const transport = new Transport(websocketScope("/a"), layers);
    const derived = transport.with({});
    expect(derived.signal.aborted).toBe(false);
    transport.end();

    expect(derived.signal.aborted).toBe(true);
  });

  test("has aborted when it is asked for after the end", () => {
    const transport = new Transport(websocketScope("/a"), layers);
    transport.end();

    expect(transport.signal.aborted).toBe(true);
    expect(transport.signal).toBe(transport.signal);
  });

  /** How many controllers are made while a consumer lives its whole life. */
  async function controllersMadeBy(consumer: ApplicationLike): Promise<number> {
    let made = 0;
    globalThis.AbortController = class extends AbortController {
      constructor() {
        super();
        made++;
      }
    };
    const communicator = new WebsocketCommunicator(consumer, "/");
    await communicator.connect();
    await communicator.send("question");
    expect(await communicator.receiveText()).toBe("answer");
    await communicator.disconnect();
    return made;
  }

  class Answering extends WebsocketConsumer {
    override groups = ["room"];

    override async receive(): Promise<void> {
      await this.channelLayer.groupSend<Answering>("room", { type: "room.question" });
      await this.drained();
    }

    room_question(): void {
      this.send("answer");
    }
  }

  class Asking extends Answering {
    override connect(): void {
      expect(this.signal.aborted).toBe(false);
      this.accept();
    }

    override disconnect(): void {
      expect(this.signal.aborted).toBe(true);
    }
  }

  test("is made for nobody who does not ask: a consumer's whole life makes no AbortController", async () => {
    expect(await controllersMadeBy(Answering)).toBe(0);
  });

  test("is made once for who asks", async () => {
    expect(await controllersMadeBy(Asking)).toBe(1);
  });
});
