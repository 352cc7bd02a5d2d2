// The Millrace server of the benchmarks: node bench/servers/millrace.js PORT [LAYER_URL]. `/echo` echoes; any other
// path is a room, whose members all get each message by a groupSend. It imports the package's public entries alone.
import { groupName, path, rePath, URLRouter, WebsocketConsumer } from "../../dist/index.js";
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

  room_message(event) {
    this.send(event.message);
  }

  async disconnect() {
    await this.channelLayer.groupDiscard(this.room, this.channelName);
  }
}

const application = URLRouter([path("/echo", EchoConsumer), rePath(/^/, RoomConsumer)]);
const [port = "8000", layerUrl = "memory:"] = process.argv.slice(2);
const layer = channelLayerFromUrl(layerUrl);
const server = await serve(application, { port: Number(port), layers: { default: layer } });
console.log(`Listening on ${server.url}`);

async function stop() {
  await server.close();
  await layer.close();
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
