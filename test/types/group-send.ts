// Compiled by tsc as part of the type check: what is wrong here does not compile.
import {
  type ChannelLayer,
  type Consumer,
  type HttpConsumer,
  type JsonWebsocketConsumer,
  type LayerMessage,
  type LayerValue,
  type MessageFor,
  type MessageOf,
  WebsocketConsumer,
} from "millrace";
import type { Equal, Expect } from "./expect.ts";

interface Told {
  readonly type: "chat.told";
  readonly user: string;
  readonly at?: number;
}

class ChatConsumer extends WebsocketConsumer<"/ws/chat/:room/"> {
  static override readonly handlers = { "job-done": "jobDone" };

  xxx_ooo(event: { message: string }): void {
    this.send(event.message);
  }

  chat_told(_event: Told): Promise<void> {
    return Promise.resolve();
  }

  chat_user_left(): void {}

  chat_moved(_event: { kind: "up"; by: number } | { kind: "to"; place: string }): void {}

  chat_anything(_event: LayerMessage): void {}

  chat_unknown(_event: unknown): void {}

  chat_maybe(_event?: { text: string }): void {}

  // No handlers: none has an underscore in its midst, or none is a method.
  jobDone(): void {}
  helper(_event: { message: string }): void {}
  _hidden(_event: { message: string }): void {}
  readonly last_seen: number = 0;
}

declare const layer: ChannelLayer;

type TypeOf<C> = MessageOf<C>["type"];

export type Checked = [
  // Every handler's type, with a dot for each underscore, and nothing that belongs to the framework.
  Expect<
    Equal<
      TypeOf<ChatConsumer>,
      "xxx.ooo" | "chat.told" | "chat.user.left" | "chat.moved" | "chat.anything" | "chat.unknown" | "chat.maybe"
    >
  >,
  // The framework's own classes take no message.
  Expect<Equal<MessageOf<Consumer>, never>>,
  Expect<Equal<MessageOf<WebsocketConsumer>, never>>,
  Expect<Equal<MessageOf<JsonWebsocketConsumer>, never>>,
  Expect<Equal<MessageOf<HttpConsumer>, never>>,
  // Without a consumer it is any message.
  Expect<Equal<MessageFor<unknown>, LayerMessage>>,
];

export function compiles(): unknown[] {
  return [
    layer.groupSend<ChatConsumer>("room", { type: "xxx.ooo", message: "hello" }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.told", user: "Ada" }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.told", user: "Ada", at: 1 }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.user.left" }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.moved", kind: "up", by: 1 }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.moved", kind: "to", place: "here" }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.anything", what: ["ever", 1] }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.unknown", what: { ever: 1n } }),
    layer.groupSend<ChatConsumer>("room", { type: "chat.maybe", text: "hello" }),
    layer.send<ChatConsumer>("someone", { type: "xxx.ooo", message: "hello" }),
    layer.group_send<ChatConsumer>("room", { type: "xxx.ooo", message: "hello" }),
    // Without a consumer any message goes, and none is guessed from the message.
    layer.groupSend("room", { type: "xxx.ooo", anything: [1, null, { goes: new Uint8Array() }] }),
    layer.send("someone", { type: "xxx.ooo" }),
  ];
}

export function doesNotCompile(dated: { born: Date }, value: LayerValue): unknown[] {
  return [
    // @ts-expect-error A misspelt type.
    layer.groupSend<ChatConsumer>("room", { type: "xxx.oo", message: "hello" }),
    // @ts-expect-error The handler's name is not the message's type.
    layer.groupSend<ChatConsumer>("room", { type: "xxx_ooo", message: "hello" }),
    // @ts-expect-error A payload of the wrong type.
    layer.groupSend<ChatConsumer>("room", { type: "xxx.ooo", message: 1 }),
    // @ts-expect-error A payload that is missing.
    layer.groupSend<ChatConsumer>("room", { type: "xxx.ooo" }),
    // @ts-expect-error A misspelt payload.
    layer.groupSend<ChatConsumer>("room", { type: "xxx.ooo", message: "hello", mesage: "hello" }),
    // @ts-expect-error Another handler's payload.
    layer.groupSend<ChatConsumer>("room", { type: "chat.told", message: "hello" }),
    // @ts-expect-error A payload for a handler that takes none.
    layer.groupSend<ChatConsumer>("room", { type: "chat.user.left", user: "Ada" }),
    // @ts-expect-error A payload that is a mixture of two cases.
    layer.groupSend<ChatConsumer>("room", { type: "chat.moved", kind: "up", place: "here" }),
    // @ts-expect-error No message at all.
    layer.groupSend<ChatConsumer>("room", { message: "hello" }),
    // @ts-expect-error A helper's name is no type.
    layer.groupSend<ChatConsumer>("room", { type: "helper", message: "hello" }),
    // @ts-expect-error A name with an underscore in front is no type.
    layer.groupSend<ChatConsumer>("room", { type: ".hidden", message: "hello" }),
    // @ts-expect-error A field is no handler.
    layer.groupSend<ChatConsumer>("room", { type: "last.seen" }),
    // @ts-expect-error The framework's own methods are no handlers.
    layer.groupSend<ChatConsumer>("room", { type: "websocket.receive", text: "hello" }),
    // @ts-expect-error The event that ends a background channel comes from the framework alone.
    layer.groupSend<ChatConsumer>("room", { type: "channel.disconnect" }),
    // @ts-expect-error The same for one channel.
    layer.send<ChatConsumer>("someone", { type: "xxx.oo", message: "hello" }),
    // @ts-expect-error The same by the name that it has in Python.
    layer.group_send<ChatConsumer>("room", { type: "xxx.oo", message: "hello" }),
    // @ts-expect-error A message needs a type.
    layer.groupSend("room", { message: "hello" }),
    // @ts-expect-error A Date can't travel.
    layer.groupSend("room", { type: "xxx.ooo", user: dated }),
    // @ts-expect-error A value is no message.
    layer.groupSend("room", value),
  ];
}
