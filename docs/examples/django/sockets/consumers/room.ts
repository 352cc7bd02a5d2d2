import { DenyConnection, WebsocketConsumer } from "millrace";
import { readTicket } from "../tickets.ts";

/** RoomConsumer of consumers.py. */
export class RoomConsumer extends WebsocketConsumer {
  #name = "";
  #group = "";

  override async connect() {
    const name = readTicket(this.scope.query.get("ticket"));
    if (name === undefined) throw new DenyConnection();
    this.#name = name;
    this.#group = `room.${this.params.room}`;
    await this.channelLayer.groupAdd(this.#group, this.channelName);
    this.accept();
  }

  override async receive(text: string) {
    await this.channelLayer.groupSend<RoomConsumer>(this.#group, { type: "room.message", name: this.#name, text });
  }

  room_message(event: { name: string; text: string }) {
    this.send(JSON.stringify({ name: event.name, text: event.text }));
  }
}
