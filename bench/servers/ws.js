// A loop over `ws`: node bench/servers/ws.js PORT. `/echo` echoes; any other path is a room, whose members all get each
// message. Below `/json/` messages are JSON.
import { WebSocketServer } from "ws";

const rooms = new Map();

function enter(client, path) {
  const room = rooms.get(path) ?? new Set();
  rooms.set(path, room.add(client));
  client.on("close", () => {
    room.delete(client);
    if (room.size === 0) rooms.delete(path);
  });
  return room;
}

const [port = "8000", , options = "{}"] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), ...JSON.parse(options) });

server.on("connection", (client, request) => {
  const path = request.url.split("?")[0];
  client.on("error", console.error);
  if (path === "/echo") {
    client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
    return;
  }
  const room = enter(client, path);
  if (path.startsWith("/json/")) {
    client.on("message", (data) => {
      const message = JSON.stringify(JSON.parse(data));
      for (const member of room) member.send(message);
    });
    return;
  }
  client.on("message", (data, isBinary) => {
    for (const member of room) member.send(data, { binary: isBinary });
  });
});
server.on("listening", () => console.log(`Listening on http://127.0.0.1:${port}`));
