import { StopConsumer, type WebsocketConnect, WebsocketConsumer, type WebsocketReceive } from "millrace";

// Many to many, twice: the same consumer in the two styles. Both are in one group, so what is said
// on one reaches every client of both. The group's name is any name; it is all that they share.
const group = "22922192";

/** The low-level style: a method for each event of the socket. */
export class LowLevelConsumer extends WebsocketConsumer {
  override async websocket_connect(_message: WebsocketConnect) {
    await this.channelLayer.groupAdd(group, this.channelName);
    this.accept();
  }

  override async websocket_receive(message: WebsocketReceive) {
    if (message.text === undefined) return this.close(1003, "this consumer takes text");
    // The type names the method that every member of the group is called with: xxx_ooo.
    await this.channelLayer.groupSend<LowLevelConsumer>(group, { type: "xxx.ooo", message: message.text });
  }

  xxx_ooo(event: { message: string }) {
    this.send(event.message);
  }

  override async websocket_disconnect() {
    await this.channelLayer.groupDiscard(group, this.channelName);
    throw new StopConsumer();
  }
}

/** The hook style: the base class takes the events apart, and only what differs is written. */
export class HookConsumer extends WebsocketConsumer {
  override async connect() {
    await this.channelLayer.groupAdd(group, this.channelName);
    this.accept();
  }

  override async receive(text: string) {
    await this.channelLayer.groupSend<HookConsumer>(group, { type: "xxx.ooo", message: text });
  }

  xxx_ooo(event: { message: string }) {
    this.send(event.message);
  }

  override async disconnect() {
    await this.channelLayer.groupDiscard(group, this.channelName);
  }
}
