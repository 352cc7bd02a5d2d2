// Bun's publish: bun bench/servers/bun.js PORT. `/echo` echoes; any other path is a room, whose members all get each
// message. Below `/json/` messages are JSON.
const [port = "8000", , given = "{}"] = process.argv.slice(2);
const options = JSON.parse(given);
const compress = options.perMessageDeflate === true;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (server.upgrade(request, { data: { path: pathname } })) return undefined;
    return new Response("This is for WebSockets\n", { status: 426 });
  },
  websocket: {
    ...options,
    open(client) {
      if (client.data.path !== "/echo") client.subscribe(client.data.path);
    },
    message(client, message) {
      const { path } = client.data;
      if (path === "/echo") client.send(message);
      else server.publish(path, path.startsWith("/json/") ? JSON.stringify(JSON.parse(message)) : message, compress);
    },
    close(client) {
      if (client.data.path !== "/echo") client.unsubscribe(client.data.path);
    },
  },
});
console.log(`Listening on ${server.url}`);
