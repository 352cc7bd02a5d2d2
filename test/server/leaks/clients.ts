// Opens many WebSockets by hand and tells when all are open. It is ended by a signal, so that no
// close frame is ever sent.
import { connect, type Socket } from "node:net";

const [port = 0, total = 0] = process.argv.slice(2).map(Number);
const sockets: Socket[] = [];
const request =
  "GET /room/ HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.once("error", reject);
    socket.once("data", (data) => {
      if (data.toString("latin1").startsWith("HTTP/1.1 101 ")) resolve();
      else reject(new Error(data.toString("latin1")));
    });
    sockets.push(socket);
  });
}

async function openInTurn(): Promise<void> {
  while (sockets.length < total) await open();
}

await Promise.all(Array.from({ length: 100 }, openInTurn));
process.send?.({ open: sockets.length });
