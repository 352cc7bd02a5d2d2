import { describe, expect, test } from "@jest/globals";
import { Consumer, HttpConsumer, JsonWebsocketConsumer, type LayerMessage, WebsocketConsumer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { findHandler, handlersOf, whyUnhandled } from "../../src/consumer/handlers.ts";
import { caught } from "../support/caught.ts";
import { heard } from "../support/heard.ts";
import { memoryLayers } from "../support/memory.ts";

const newLayer = memoryLayers();
const unhandled = heard("millrace:consumer:unhandled");
const abandoned = heard("millrace:application:error");

/** A base class of the user's own. */
class RoomConsumer extends WebsocketConsumer {
  static reached: string[] = [];

  room_closed(): void {
    RoomConsumer.reached.push("room_closed of the base class");
  }

  room_renamed(): void {
    RoomConsumer.reached.push("room_renamed of the base class");
  }
}

class ChatConsumer extends RoomConsumer {
  static override readonly handlers = { "chat.cleared": "clear", ping: "answerPing" };

  readonly field_handler = (): void => void RoomConsumer.reached.push("field_handler");

  get chat_getter(): () => void {
    return () => void RoomConsumer.reached.push("chat_getter");
  }

  chat_message(event: { text: string }): void {
    RoomConsumer.reached.push(`chat_message ${event.text}`);
  }

  override room_renamed(): void {
    RoomConsumer.reached.push("room_renamed");
  }

  clear(): void {
    RoomConsumer.reached.push("clear");
  }

  answerPing(): void {
    RoomConsumer.reached.push("answerPing");
  }

  helper(): void {
    RoomConsumer.reached.push("helper");
  }

  _hidden(): void {
    RoomConsumer.reached.push("_hidden");
  }

  /** What is private to TypeScript alone is reachable; only a name without an underscore is not. */
  private chat_internal(): void {
    RoomConsumer.reached.push("chat_internal");
  }

  layer_lagged(): void {
    RoomConsumer.reached.push("layer_lagged");
  }

  http_get(): void {
    RoomConsumer.reached.push("http_get");
  }

  group_leave(): void {
    RoomConsumer.reached.push("group_leave");
  }
}

/** What a consumer's handlers saw of a message that its group was sent. */
async function send(message: LayerMessage): Promise<{ reached: string[]; alive: boolean }> {
  const layer = newLayer();
  RoomConsumer.reached = [];
  class Chat extends ChatConsumer {
    override groups = ["room"];

    override receive(text: string): void {
      this.send(text);
    }
  }
  const communicator = new WebsocketCommunicator(Chat, "/", { layers: { default: layer } });
  await communicator.connect();
  await layer.groupSend("room", message);
  await communicator.send("alive");
  const alive = (await communicator.receiveText()) === "alive";
  await communicator.disconnect();
  return { reached: RoomConsumer.reached, alive };
}

describe("a layer's message", () => {
  test.each<[string, string]>([
    ["chat.message", "chat_message hello"],
    ["chat_message", "chat_message hello"],
    ["room.closed", "room_closed of the base class"],
    ["room.renamed", "room_renamed"],
    ["chat.cleared", "clear"],
    ["chat_cleared", "clear"],
    ["ping", "answerPing"],
    ["chat.internal", "chat_internal"],
    ["group.leave", "group_leave"],
  ])("of the type %s reaches %s", async (type, reached) => {
    expect(await send({ type, text: "hello" })).toEqual({ reached: [reached], alive: true });
    expect(unhandled).toEqual([]);
  });

  test.each([
    ["helper", "there is no handler helper"],
    ["clear", "there is no handler clear"],
    ["_hidden", "leading underscore"],
    [".hidden", "leading underscore"],
    ["__proto__", "leading underscore"],
    ["constructor", "there is no handler constructor"],
    ["toString", "there is no handler toString"],
    ["hasOwnProperty", "there is no handler hasOwnProperty"],
    ["field.handler", "there is no handler field_handler"],
    ["chat.getter", "there is no handler chat_getter"],
    ["layer.lagged", "comes only from the framework"],
    ["http.get", "comes only from the framework"],
    ["http.request", "comes only from the framework"],
    ["http.disconnect", "comes only from the framework"],
    ["websocket.connect", "comes only from the framework"],
    ["websocket_connect", "comes only from the framework"],
    ["websocket.receive", "comes only from the framework"],
    ["websocket.disconnect", "comes only from the framework"],
    ["websocket_disconnect", "comes only from the framework"],
    ["channel.disconnect", "comes only from the framework"],
    ["connect", "there is no handler connect"],
    ["accept", "there is no handler accept"],
    ["send", "there is no handler send"],
    ["close", "there is no handler close"],
    ["disconnect", "there is no handler disconnect"],
    ["onError", "there is no handler onError"],
    ["scope", "there is no handler scope"],
    ["payment.received", "there is no handler payment_received"],
  ])("of the type %s reaches nothing, which is reported, and the socket lives", async (type, reason) => {
    expect(await send({ type, text: "bad" })).toEqual({ reached: [], alive: true });
    expect(unhandled).toEqual([{ consumer: "Chat", type, reason: expect.stringContaining(reason) }]);
    expect(abandoned).toEqual([]);
  });

  test("of a misspelt type is reported with the handler that was meant", async () => {
    await send({ type: "chat.mesage", text: "hello" });
    expect(unhandled[0]?.reason).toContain('did you mean "chat_message"?');
  });
});

describe("a message without a type", () => {
  test.each([[undefined], [null], [42], [{}]])("(%p) has no handler, for a reason that says so", (type) => {
    expect(findHandler(ChatConsumer, type)).toBeUndefined();
    expect(whyUnhandled(ChatConsumer, type)).toBe("the message has no type");
  });
});

describe("the framework's own classes", () => {
  test.each([[Consumer], [WebsocketConsumer], [JsonWebsocketConsumer], [HttpConsumer]])(
    "have no handler that a message reaches: %p",
    (consumer) => {
      expect([...handlersOf(consumer).keys()]).toEqual([]);
    },
  );
});

describe("static handlers", () => {
  test.each<[string, Record<string, string>, string]>([
    ["a method that does not exist", { "chat.cleared": "claer" }, 'did you mean "clear"?'],
    ["a method of the framework", { kick: "close" }, '"close"'],
    ["a method of every object", { kick: "toString" }, '"toString"'],
    ["the constructor", { kick: "constructor" }, '"constructor"'],
    ["a type of the transport", { "websocket.receive": "clear" }, '"websocket.receive"'],
    ["a type with a leading underscore", { _kick: "clear" }, '"_kick"'],
    ["something that is no name", { kick: 42 as unknown as string }, "42"],
  ])("that name %s are refused before anything is served", (_, handlers, told) => {
    class Wrong extends ChatConsumer {
      static override readonly handlers = handlers as typeof ChatConsumer.handlers;
    }
    const error = caught(() => Wrong.asApplication());
    expect(error).toMatchObject({ code: "ERR_INVALID_HANDLER", message: expect.stringContaining(told) });
  });

  test("of a base class are a subclass's, too", () => {
    class Silent extends ChatConsumer {}
    expect(findHandler(Silent, "ping")).toBe(ChatConsumer.prototype.answerPing);
  });

  test("lead to the subclass's method where it overrides one", () => {
    class Loud extends ChatConsumer {
      override answerPing(): void {}
    }
    expect(findHandler(Loud, "ping")).toBe(Loud.prototype.answerPing);
  });
});
