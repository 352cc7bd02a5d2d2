// Socket.IO, over WebSockets alone: node bench/servers/socket-io.js PORT [LAYER_URL]. A client names the path that it
// wants as a query: `/echo` echoes; any other is a room, whose members all get each message. With the URL of a Redis,
// messages go through the Redis adapter.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port = "8000", layerUrl = "memory:"] = process.argv.slice(2);
const httpServer = createServer();
const io = new Server(httpServer, { transports: ["websocket"] });

if (layerUrl !== "memory:") {
  const publisher = createClient({ url: layerUrl.replace(/^[^:]+:/, "redis:") });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}

io.on("connection", (socket) => {
  const { path } = socket.handshake.query;
  if (path === "/echo") {
    socket.on("message", (message) => socket.emit("message", message));
    return;
  }
  void socket.join(path);
  socket.on("message", (message) => io.to(path).emit("message", message));
});
httpServer.listen(Number(port), "127.0.0.1", () => console.log(`Listening on http://127.0.0.1:${port}`));
