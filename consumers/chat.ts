import { randomUUID } from "node:crypto";
import { DenyConnection, groupName, isMillraceError, JsonWebsocketConsumer } from "millrace";
import { readChatInput, readRoom } from "./chat-input.ts";

/** Somebody in a room. The id is that of one socket: a name may be there twice. */
interface Person {
  readonly id: string;
  readonly name: string;
}

/** What a client is sent. Times are the server's, in ISO 8601. */
export type ChatOutput =
  | { readonly type: "welcome" | "joined" | "left"; readonly person: Person; readonly at: string }
  | { readonly type: "renamed"; readonly person: Person; readonly before: string; readonly at: string }
  | { readonly type: "here"; readonly person: Person }
  | { readonly type: "said"; readonly id: string; readonly person: Person; readonly text: string; readonly at: string }
  | { readonly type: "error"; readonly problem: string; readonly id?: string };

/**
 * A chat room. Everything goes through the group, a client's own messages too, so that all see one
 * order. Nobody keeps a list of who is here: a newcomer is told by those who are (`chat_joined`),
 * and a member whose whole process dies can't say that it left.
 */
export class ChatConsumer extends JsonWebsocketConsumer<"/ws/chat/:room/"> {
  readonly #id = randomUUID();
  #group = "";
  #name: string | undefined;

  override connect() {
    const room = readRoom(this.params.room);
    if (room === undefined) throw new DenyConnection({ status: 404, body: "There is no such room.\n" });
    this.#group = groupName("chat", room);
    this.accept();
  }

  override async receiveJson(content: unknown) {
    const input = readChatInput(content);
    switch (input.type) {
      case "join":
        return this.#name === undefined ? this.#join(input.name) : this.#rename(this.#name, input.name);
      case "say":
        return this.#say(input.id, input.text);
      default:
        return this.#refuse(input.problem, input.id);
    }
  }

  /** A client that sends nonsense is told so, and stays. */
  override receiveInvalidJson() {
    this.#refuse("A message is JSON.");
  }

  override receiveBytes() {
    this.#refuse("A message is text.");
  }

  override async disconnect() {
    if (this.#name === undefined) return;
    // Out of the group first: nobody tells a socket that is closed.
    await this.channelLayer.groupDiscard(this.#group, this.channelName);
    await this.channelLayer.groupSend<ChatConsumer>(this.#group, {
      type: "chat.left",
      person: this.#person(),
      at: now(),
    });
  }

  async #join(name: string) {
    this.#name = name;
    await this.channelLayer.groupAdd(this.#group, this.channelName);
    await this.channelLayer.groupSend<ChatConsumer>(this.#group, {
      type: "chat.joined",
      person: this.#person(),
      at: now(),
      newcomer: this.channelName,
    });
  }

  async #rename(before: string, name: string) {
    if (name === before) return;
    this.#name = name;
    await this.channelLayer.groupSend<ChatConsumer>(this.#group, {
      type: "chat.renamed",
      person: this.#person(),
      before,
      at: now(),
    });
  }

  async #say(id: string, text: string) {
    if (this.#name === undefined) return this.#refuse("Say who you are first.", id);
    const said = { type: "chat.said", id, person: this.#person(), text, at: now() } as const;
    await this.channelLayer.groupSend<ChatConsumer>(this.#group, said);
  }

  #refuse(problem: string, id?: string) {
    this.#tell(id === undefined ? { type: "error", problem } : { type: "error", problem, id });
  }

  async chat_joined({ person, at, newcomer }: { person: Person; at: string; newcomer: string }) {
    if (newcomer === this.channelName) return this.#tell({ type: "welcome", person, at });
    this.#tell({ type: "joined", person, at });
    try {
      await this.channelLayer.send<ChatConsumer>(newcomer, { type: "chat.here", person: this.#person() });
    } catch (error) {
      // A newcomer that has gone again, or is told of too many at once, is no fault of this client.
      if (!isMillraceError(error, "ERR_CHANNEL_CLOSED") && !isMillraceError(error, "ERR_CHANNEL_FULL")) throw error;
    }
  }

  chat_here({ person }: { person: Person }) {
    this.#tell({ type: "here", person });
  }

  chat_renamed({ person, before, at }: { person: Person; before: string; at: string }) {
    this.#tell({ type: "renamed", person, before, at });
  }

  chat_left({ person, at }: { person: Person; at: string }) {
    this.#tell({ type: "left", person, at });
  }

  chat_said({ id, person, text, at }: { id: string; person: Person; text: string; at: string }) {
    this.#tell({ type: "said", id, person, text, at });
  }

  #tell(output: ChatOutput) {
    this.sendJson(output);
  }

  #person(): Person {
    return { id: this.#id, name: this.#name ?? "" };
  }
}

function now(): string {
  return new Date().toISOString();
}
