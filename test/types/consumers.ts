// Compiled by tsc as part of the type check: what is wrong here does not compile.
import {
  type ChannelLayer,
  type Consumer,
  HttpConsumer,
  type HttpScope,
  JsonWebsocketConsumer,
  type MessageOf,
  type Outgoing,
  type Scope,
  WebsocketConsumer,
  type WebsocketScope,
} from "millrace";
import type { Equal, Expect } from "./expect.ts";

/** A route's parameters are known from the path that the class names. */
export class ChatConsumer extends WebsocketConsumer<"/ws/chat/:room/"> {
  greeting = "hello";
  readonly room: string = this.params.room;
  readonly upperCase = this.params.room.toUpperCase();

  // @ts-expect-error -- there is no such parameter
  readonly rom = this.params.rom;

  // A hook may return a promise or not.
  override async connect(): Promise<void> {
    this.accept("chat.v1", { "set-cookie": ["a=1", "b=2"] });
    // @ts-expect-error -- a header's value is a string
    this.accept(undefined, { "x-a": 1 });
    await this.drained();
  }

  override receive(text: string): void {
    const behind: boolean = this.send(text);
    this.send(new Uint8Array(behind ? 0 : 1));
    // @ts-expect-error -- an object is no message
    this.send({ text });
    // @ts-expect-error -- a close code is a number
    this.close("4000");
    this.sendEvent({ type: "websocket.close", code: 4000 } satisfies Outgoing);
    // @ts-expect-error -- there is no such event
    this.sendEvent({ type: "websocket.shout" });
  }

  chat_message(event: { text: string }): void {
    this.send(event.text);
  }

  override disconnect(code: number, reason: string): void {
    this.send(`${code} ${reason}`);
  }
}

export class WrongOverrides extends WebsocketConsumer {
  // @ts-expect-error -- what overrides says so
  connect(): void {}

  // @ts-expect-error -- text arrives as a string
  override receive(_bytes: Uint8Array): void {}

  // @ts-expect-error -- the code is a number
  override disconnect(_code: string): void {}

  // @ts-expect-error -- groups are a list
  override groups = "room";
}

export class Api extends HttpConsumer<"/api/:id{/:format}"> {
  override async handle(body: Uint8Array): Promise<void> {
    const id: string = this.params.id;
    const format: string | undefined = this.params.format;
    this.sendResponse(200, JSON.stringify({ id, format, size: body.byteLength, method: this.scope.method }));
    // @ts-expect-error -- a status comes first
    this.sendResponse("OK");
    await this.drained();
  }
}

export class Anywhere extends JsonWebsocketConsumer {
  // Without a path any parameter may be there; none is known to be.
  readonly room: string | undefined = this.params["room"];

  override receiveJson(content: unknown): void {
    this.sendJson(content);
    // @ts-expect-error -- what comes from outside is unknown until it was checked
    this.send(content);
  }
}

export type Scopes = [
  Expect<Equal<ChatConsumer["scope"], WebsocketScope>>,
  Expect<Equal<Api["scope"], HttpScope>>,
  Expect<Equal<Consumer["scope"], Scope>>,
  Expect<Equal<ChatConsumer["params"], { readonly room: string }>>,
];

/** Values for fields are of the fields' types; nothing else can be given. */
export const applications = [
  ChatConsumer.asApplication(),
  ChatConsumer.asApplication({}),
  ChatConsumer.asApplication({ greeting: "salut", groups: ["lobby"], channelLayerAlias: "second" }),
  Api.asApplication({ maxBody: 10 }),
  // @ts-expect-error -- a greeting is a string
  ChatConsumer.asApplication({ greeting: 1 }),
  // @ts-expect-error -- there is no such field
  ChatConsumer.asApplication({ greting: "salut" }),
  // @ts-expect-error -- the scope is the connection's
  ChatConsumer.asApplication({ scope: {} }),
  // @ts-expect-error -- an accessor belongs to the class
  ChatConsumer.asApplication({ params: { room: "lobby" } }),
];

/** The messages of a consumer are those that its own handlers take, and nobody else's. */
export type Messages = [
  Expect<Equal<MessageOf<ChatConsumer>["type"], "chat.message">>,
  Expect<Equal<MessageOf<WebsocketConsumer>, never>>,
  Expect<Equal<MessageOf<HttpConsumer>, never>>,
  Expect<Equal<MessageOf<Consumer>, never>>,
];

declare const layer: ChannelLayer;

export const sends = [
  layer.groupSend<ChatConsumer>("room", { type: "chat.message", text: "hello" }),
  // @ts-expect-error -- the type is misspelt
  layer.groupSend<ChatConsumer>("room", { type: "chat.mesage", text: "hello" }),
  // @ts-expect-error -- the payload is wrong
  layer.groupSend<ChatConsumer>("room", { type: "chat.message", text: 1 }),
  // @ts-expect-error -- the payload is missing
  layer.send<ChatConsumer>("specific.a!b", { type: "chat.message" }),
  // @ts-expect-error -- an event of the transport is nobody's to send
  layer.groupSend<ChatConsumer>("room", { type: "websocket.disconnect", code: 1000, reason: "" }),
  // A message for a consumer that is not named may be any.
  layer.groupSend("room", { type: "anything", at: 1 }),
  // @ts-expect-error -- but it has a type
  layer.groupSend("room", { text: "hello" }),
];

// @ts-expect-error -- how many run at once is a number
export class WrongConcurrency extends WebsocketConsumer {
  static override readonly concurrency = "3";
}

// @ts-expect-error -- handlers are names of methods, by type
export class WrongHandlers extends WebsocketConsumer {
  static override readonly handlers = { ping: () => {} };
}
