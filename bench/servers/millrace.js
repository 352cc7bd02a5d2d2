// The Millrace server of the benchmarks: node bench/servers/millrace.js PORT [LAYER_URL [OPTIONS_IN_JSON]]. `/echo`
// echoes; any other path is a room, whose members all get each message by a groupSend. Below `/json/` messages are JSON.
// A member with `?mark` gets all in capitals. It imports the package's public entries alone.
import { groupName, JsonWebsocketConsumer, path, rePath, URLRouter, WebsocketConsumer } from "../../dist/index.js";
import { channelLayerFromUrl } from "../../dist/redis.js";
import { serve } from "../../dist/server.js";

class EchoConsumer extends WebsocketConsumer {
  receive(text) {
    this.send(text);
  }

  receiveBytes(bytes) {
    this.send(bytes);
  }
}

class RoomConsumer extends WebsocketConsumer {
  room = groupName("room", this.scope.path);
  marked = this.scope.queryString === "mark";

  async connect() {
    await this.channelLayer.groupAdd(this.room, this.channelName);
    this.accept();
  }

  async receive(text) {
    await this.channelLayer.groupSend(this.room, { type: "room.message", message: text });
  }

  async receiveBytes(bytes) {
    await this.channelLayer.groupSend(this.room, { type: "room.message", message: bytes });
  }

  room_message({ message }) {
    this.send(this.marked ? message.toUpperCase() : message);
  }

  async disconnect() {
    await this.channelLayer.groupDiscard(this.room, this.channelName);
  }
}

class JsonRoomConsumer extends JsonWebsocketConsumer {
  room = groupName("room", this.scope.path);
  marked = this.scope.queryString === "mark";

  async connect() {
    await this.channelLayer.groupAdd(this.room, this.channelName);
    this.accept();
  }

  async receiveJson({ text }) {
    await this.channelLayer.groupSend(this.room, { type: "room.message", text });
  }

  room_message({ text }) {
    this.sendJson({ text: this.marked ? text.toUpperCase() : text });
  }

  async disconnect() {
    await this.channelLayer.groupDiscard(this.room, this.channelName);
  }
}

const application = URLRouter([
  path("/echo", EchoConsumer),
  rePath(/^json\//, JsonRoomConsumer),
  rePath(/^/, RoomConsumer),
]);
const [port = "8000", layerUrl = "memory:", options = "{}"] = process.argv.slice(2);
const layer = channelLayerFromUrl(layerUrl);
const server = await serve(application, { ...JSON.parse(options), port: Number(port), layers: { default: layer } });
console.log(`Listening on ${server.url}`);

async function stop() {
  await server.close();
  await layer.close();
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
