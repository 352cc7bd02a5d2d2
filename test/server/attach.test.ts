import { describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application, WebsocketScope } from "millrace";
import { attach, type AttachOptions } from "millrace/server";
import { WebSocket, WebSocketServer } from "ws";
import { NoRoute } from "../../src/protocol/no-route.ts";
import { clientFrame, closeOf, handshake, opcodes, RawClient } from "./support/raw-client.ts";
import { accepting } from "./support/serving.ts";

/** An HTTP server with an application on it. */
async function attached(server: Server, application: Application, options: AttachOptions = {}) {
  const attachment = attach(server, application, { shutdownTimeout: 100, ...options });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    attachment,
    port,
    async [Symbol.asyncDispose]() {
      await attachment.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An application with a route to one path, found at once or after a while. */
function routed(path: string, later = false): Application {
  const accept = accepting();
  const find: Application = (connection) => {
    if (connection.scope.type === "websocket" && connection.scope.path !== path) throw new NoRoute("No route", []);
    return accept(connection);
  };
  return later ? async (connection) => Promise.resolve().then(() => find(connection)) : find;
}

describe("attach", () => {
  test("lives on when somebody else has ended a socket with an error before its application accepts at once", async () => {
    const server = createServer();
    server.on("upgrade", (_, socket) => void socket.destroy(new Error("not this one")));
    await using on = await attached(server, accepting());
    using client = await RawClient.connect(on.port);
    client.write(handshake());
    await client.ended;
    expect(server.listening).toBe(true);
  });

  test("takes requests as well, when the server has no listener for them", async () => {
    await using on = await attached(createServer(), (connection) => (event) => {
      if (event.type !== "http.request") return;
      connection.send({ type: "http.response.start", status: 200 });
      connection.send({ type: "http.response.body", body: "from the application" });
    });
    expect(await (await fetch(`http://127.0.0.1:${on.port}/`)).text()).toBe("from the application");
  });

  test("leaves requests to a listener that is there already", async () => {
    await using on = await attached(
      createServer((_, response) => void response.end("from the listener")),
      accepting(),
    );
    expect(await (await fetch(`http://127.0.0.1:${on.port}/`)).text()).toBe("from the listener");
    using _ = await RawClient.open(on.port);
    expect(on.attachment.connections).toBe(1);
  });

  test.each([
    ["at once", false],
    ["after a while", true],
  ])("leaves a socket without a route to another listener, when that is known %s", async (_, later) => {
    const server = createServer();
    const others = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      if (request.url !== "/theirs") return;
      const upgrade = (): void =>
        others.handleUpgrade(request, socket, head, (websocket) => {
          websocket.on("message", (text) => websocket.send(`theirs: ${(text as Buffer).toString()}`));
        });
      // Another listener may take its time as well.
      setTimeout(upgrade, 10);
    });
    await using on = await attached(server, routed("/ours", later));
    using ours = await RawClient.open(on.port, "/ours");
    const theirs = await RawClient.connect(on.port);
    // The first message comes early, while nobody has taken the socket yet.
    theirs.write(Buffer.concat([Buffer.from(handshake("/theirs")), clientFrame(opcodes.text, "early")]));
    expect((await theirs.head()).status).toBe(101);
    theirs.write(clientFrame(opcodes.text, "late"));
    expect([await theirs.text(), await theirs.text()]).toEqual(["theirs: early", "theirs: late"]);
    expect(on.attachment.connections).toBe(1);
    theirs.reset();
    ours.reset();
  });

  test("answers a socket without a route with 404, when there is nobody else", async () => {
    await using on = await attached(createServer(), routed("/ours", true));
    using client = await RawClient.connect(on.port);
    client.write(handshake("/theirs"));
    expect((await client.head()).status).toBe(404);
  });

  test("leaves upgrades to other protocols to another listener", async () => {
    const server = createServer();
    server.on("upgrade", (request, socket) => {
      if (request.headers.upgrade === "other") socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    await using on = await attached(server, accepting());
    using client = await RawClient.connect(on.port);
    client.write(handshake("/", { Upgrade: "other" }));
    expect((await client.head()).status).toBe(101);
  });

  test("makes what comes early wait for the start-up hook", async () => {
    let start = (): void => {};
    const started = new Promise<void>((resolve) => (start = resolve));
    const log: string[] = [];
    const application: Application = (connection) => (event) => {
      log.push(event.type);
      if (event.type === "lifespan.startup") return started;
      if (event.type === "websocket.connect") connection.send({ type: "websocket.accept" });
      return undefined;
    };
    await using on = await attached(createServer(), application);
    using client = await RawClient.connect(on.port);
    client.write(handshake());
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(log).toEqual(["lifespan.startup"]);
    start();
    expect((await client.head()).status).toBe(101);
    expect(log).toEqual(["lifespan.startup", "websocket.connect"]);
  });

  test("answers with 500 after a start-up that failed, which `started` tells", async () => {
    await using on = await attached(createServer(), () => (event) => {
      if (event.type === "lifespan.startup") throw new Error("no database");
    });
    await expect(on.attachment.started).rejects.toMatchObject({ code: "ERR_STARTUP_FAILED" });
    expect((await fetch(`http://127.0.0.1:${on.port}/`)).status).toBe(500);
  });

  test("lets go of the server when it is closed, and does not close it", async () => {
    const server = createServer();
    await using on = await attached(server, accepting());
    using client = await RawClient.open(on.port);
    const closing = on.attachment.close();
    expect(closeOf(await client.frame())).toMatchObject({ code: 1001 });
    await closing;
    expect([server.listening, server.listenerCount("upgrade"), server.listenerCount("request")]).toEqual([true, 0, 0]);
    expect(on.attachment.close()).toBe(closing);
  });

  test("serves wss and https on a secure server, and says so in the scope", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    const [key, certificate] = [join(folder, "key"), join(folder, "certificate")];
    const subject = [
      "-subj",
      "/CN=localhost",
      "-days",
      "2",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
    ];
    execFileSync("openssl", ["req", "-x509", "-nodes", ...subject, "-keyout", key, "-out", certificate], {
      stdio: "ignore",
    });
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    rmSync(folder, { recursive: true });
    await using on = await attached(
      server,
      accepting((event, connection) => {
        const { scheme } = connection.scope as WebsocketScope;
        if (event.type === "websocket.receive")
          connection.send({ type: "websocket.send", text: `${scheme} ${"x".repeat(100_000)}` });
      }),
    );
    const client = new WebSocket(`wss://127.0.0.1:${on.port}/`, { rejectUnauthorized: false });
    await once(client, "open");
    client.send("go");
    const [message] = (await once(client, "message")) as [Buffer];
    expect(message.toString()).toBe(`wss ${"x".repeat(100_000)}`);
    client.close(1000);
    await once(client, "close");
  });
});
