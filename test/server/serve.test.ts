import { describe, expect, test } from "@jest/globals";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getChannelLayer, HttpConsumer, InMemoryChannelLayer, WebsocketConsumer } from "millrace";
import { serve } from "millrace/server";
import { NoRoute } from "../../src/protocol/no-route.ts";
import { clientFrame, closeFrame, closeOf, handshake, opcodes, RawClient } from "./support/raw-client.ts";
import { accepting, Log, Published, serving } from "./support/serving.ts";

describe("a server", () => {
  test("says where it is, and that it listens", async () => {
    using published = new Published("millrace:server:listening", "millrace:server:closed");
    const server = await serve(accepting(), { port: 0 });
    const { address } = server;
    expect(address).toEqual({ address: "127.0.0.1", port: expect.any(Number) });
    expect(server.url).toBe(`http://127.0.0.1:${address.port}`);
    await server.close();
    expect(published.entries).toEqual([
      { name: "millrace:server:listening", payload: { address } },
      { name: "millrace:server:closed", payload: { forced: 0 } },
    ]);
  });

  test.each([
    ["::1", /^http:\/\/\[::1\]:\d+$/],
    ["0.0.0.0", /^http:\/\/127\.0\.0\.1:\d+$/],
    ["localhost", /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/],
  ])("on %s has an address that a browser can open", async (host, url) => {
    class Greeting extends HttpConsumer {
      override handle(): void {
        this.sendResponse(200, "hello");
      }
    }
    await using server = await serve(Greeting, { host, port: 0 });
    expect(server.url).toMatch(url);
    expect(await (await fetch(server.url)).text()).toBe("hello");
  });

  test("counts what it serves until its application has ended", async () => {
    let end = (): void => {};
    const ends = new Log<string>();
    await using serves = await serving(
      accepting((event) => {
        if (event.type !== "websocket.disconnect") return undefined;
        ends.add("disconnect");
        return new Promise<void>((resolve) => (end = resolve));
      }),
    );
    expect(serves.server.connections).toBe(0);
    const client = await RawClient.open(serves.port);
    expect(serves.server.connections).toBe(1);
    client.reset();
    await ends.find(() => true);
    expect(serves.server.connections).toBe(1);
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(serves.server.connections).toBe(0);
  });

  test("without layers has an in-memory one, which it closes; a given one stays open", async () => {
    const own = await serve(accepting(), { port: 0 });
    const made = getChannelLayer();
    await own.close();
    await expect(made.send("x", { type: "y" })).rejects.toMatchObject({ code: "ERR_LAYER_CLOSED" });
    const layer = new InMemoryChannelLayer();
    const server = await serve(accepting(), { port: 0, layers: { default: layer } });
    expect(getChannelLayer()).toBe(layer);
    await server.close();
    await expect(layer.send("x", { type: "y" })).resolves.toBeUndefined();
    expect(() => getChannelLayer()).toThrow("no channel layer");
    await layer.close();
  });

  test("carries a group's message to every member", async () => {
    class Member extends WebsocketConsumer {
      override groups = ["room"];

      override async receive(text: string): Promise<void> {
        await this.channelLayer.groupSend<Member>("room", { type: "chat.message", text });
      }

      chat_message({ text }: { text: string }): void {
        this.send(text);
      }
    }
    await using serves = await serving(Member);
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(serves.port)));
    clients[0]?.write(clientFrame(opcodes.text, "hello, all"));
    for (const client of clients) {
      expect(await client.text()).toBe("hello, all");
      client[Symbol.dispose]();
    }
  });
});

describe("closing", () => {
  test("closes sockets with 1001, and twice is once", async () => {
    using published = new Published("millrace:server:closed");
    const serves = await serving(accepting(), { shutdownTimeout: 5000 });
    const client = await RawClient.open(serves.port);
    const closing = serves.server.close();
    expect(serves.server.close()).toBe(closing);
    expect(closeOf(await client.frame())).toEqual({ code: 1001, reason: "the server is stopping" });
    client.socket.end(closeFrame(1001));
    await closing;
    expect(published.of("millrace:server:closed")).toEqual([{ forced: 0 }]);
    await expect(RawClient.connect(serves.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("waits for applications to end, then cuts what is left", async () => {
    using published = new Published("millrace:server:closed");
    const ends = new Log<number>();
    const serves = await serving(
      accepting((event) => {
        if ("code" in event) ends.add(Number(event["code"]));
      }),
      { shutdownTimeout: 30 },
    );
    // It never answers the close frame.
    using client = await RawClient.open(serves.port);
    await serves.server.close();
    expect(ends.entries).toEqual([1006]);
    expect(published.of("millrace:server:closed")).toEqual([{ forced: 1 }]);
    await client.ended;
  });

  test("refuses a handshake that is pending with 503", async () => {
    const log = new Log<string>();
    const serves = await serving((connection) => (event) => {
      if (connection.scope.type === "websocket") log.add(event.type);
    });
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    await log.find(() => true);
    const closing = serves.server.close();
    expect((await client.head()).status).toBe(503);
    client.socket.end();
    await closing;
    expect(log.entries).toEqual(["websocket.connect", "websocket.disconnect"]);
  });

  test("lets a response that was asked for be sent, and cuts one that takes too long", async () => {
    const log = new Log<string>();
    let answer = (): void => {};
    class Slow extends HttpConsumer {
      override async handle(): Promise<void> {
        log.add(this.scope.path);
        await new Promise<void>((resolve) => (answer = this.scope.path === "/soon" ? resolve : answer));
        this.sendResponse(200, "done");
      }
    }
    const serves = await serving(Slow, { shutdownTimeout: 100 });
    const url = `http://127.0.0.1:${serves.port}`;
    const [soon, never] = [fetch(`${url}/soon`), fetch(`${url}/never`).catch(() => "cut")];
    await log.find((path) => path === "/soon");
    await log.find((path) => path === "/never");
    const closing = serves.server.close();
    answer();
    const response = await soon;
    expect([response.headers.get("connection"), await response.text()]).toEqual(["close", "done"]);
    expect(await never).toBe("cut");
    await closing;
  });
});

describe("the application's hooks", () => {
  test("run before anything is served, and after everything has ended", async () => {
    const log: string[] = [];
    const server = await serve(
      (connection) => (event) => {
        log.push(event.type);
        if (event.type === "websocket.connect") connection.send({ type: "websocket.accept" });
        if (event.type === "lifespan.startup")
          return new Promise((resolve) => {
            setImmediate(() => {
              log.push("started");
              resolve();
            });
          });
        if (event.type === "lifespan.shutdown") log.push(`aborted ${connection.signal.aborted}`);
        return undefined;
      },
      { port: 0, shutdownTimeout: 20 },
    );
    using _ = await RawClient.open(server.address.port);
    await server.close();
    expect(log).toEqual([
      "lifespan.startup",
      "started",
      "websocket.connect",
      "websocket.disconnect",
      "lifespan.shutdown",
      "aborted true",
    ]);
  });

  test("that fail at start-up leave nothing served, and nothing running", async () => {
    const cause = new Error("no database");
    const starting = serve(() => () => Promise.reject(cause), { port: 0 });
    await expect(starting).rejects.toMatchObject({ code: "ERR_STARTUP_FAILED", cause });
    expect(() => getChannelLayer()).toThrow("no channel layer");
  });

  test.each([
    ["a consumer", WebsocketConsumer],
    [
      "a router without a route for them",
      () => {
        throw new NoRoute("No route", []);
      },
    ],
  ])("are not there for %s, and that is no error", async (_name, application) => {
    using published = new Published("millrace:application:error");
    await using _ = await serve(application, { port: 0 });
    expect(published.entries).toEqual([]);
  });

  test("are not there for an application that fails when it is asked, which is published", async () => {
    using published = new Published("millrace:application:error");
    await using _ = await serve(
      () => {
        throw new Error("what lifespan?");
      },
      { port: 0 },
    );
    expect(published.of("millrace:application:error")).toMatchObject([
      { scope: { type: "lifespan" }, error: { message: "what lifespan?" } },
    ]);
  });

  test.each([
    ["fails", () => Promise.reject(new Error("stuck")), "stuck"],
    ["never ends", () => new Promise<void>(() => {}), "did not end in time"],
  ])("are published when the one for the stop %s, and the server closes all the same", async (_, hook, message) => {
    using published = new Published("millrace:application:error");
    const server = await serve(() => (event) => (event.type === "lifespan.shutdown" ? hook() : undefined), {
      port: 0,
      shutdownTimeout: 20,
    });
    await server.close();
    expect(published.of("millrace:application:error")).toMatchObject([
      { event: "lifespan.shutdown", error: { message: expect.stringContaining(message) } },
    ]);
  });

  test("have nobody to send to", async () => {
    await expect(
      serve((connection) => () => void connection.send({ type: "websocket.accept" }), { port: 0 }),
    ).rejects.toMatchObject({ code: "ERR_STARTUP_FAILED", cause: { code: "ERR_INVALID_EVENT" } });
  });
});

describe("listening", () => {
  function folder(): { path: string; [Symbol.dispose](): void } {
    const path = mkdtempSync(join(tmpdir(), "millrace-"));
    return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
  }

  test("on a port that is taken is an error that says what to do", async () => {
    await using serves = await serving(accepting());
    await expect(serve(accepting(), { port: serves.port })).rejects.toMatchObject({
      code: "ERR_LISTEN",
      message: expect.stringMatching(
        new RegExp(`127\\.0\\.0\\.1:${serves.port} .*EADDRINUSE.*port 0 takes a free one`),
      ),
      cause: { code: "EADDRINUSE" },
    });
  });

  test("that fails runs the shut-down hook, because the start-up hook has run", async () => {
    const hooks: string[] = [];
    await using serves = await serving(accepting());
    await expect(serve(() => (event) => void hooks.push(event.type), { port: serves.port })).rejects.toThrow();
    expect(hooks).toEqual(["lifespan.startup", "lifespan.shutdown"]);
  });

  test("on an address of another machine is an error that says what to do", async () => {
    await expect(serve(accepting(), { host: "192.0.2.1", port: 0 })).rejects.toMatchObject({
      code: "ERR_LISTEN",
      message: expect.stringContaining("127.0.0.1 serves this machine alone"),
    });
  });

  test("on a Unix socket serves both protocols there, and takes the file away in the end", async () => {
    using at = folder();
    const unix = join(at.path, "socket");
    const scopes: unknown[] = [];
    const server = await serve(
      accepting((event, connection) => {
        if (event.type === "websocket.connect") scopes.push(connection.scope);
      }),
      { unix, trustedProxies: ["10.0.0.1"], shutdownTimeout: 20 },
    );
    expect([server.address, server.url]).toEqual([{ address: unix, port: 0 }, `unix:${unix}`]);
    using _ = await RawClient.open(unix, "/", { "X-Forwarded-For": "1.2.3.4" });
    expect(scopes).toMatchObject([{ client: { address: "1.2.3.4", port: 0 }, server: { address: unix, port: 0 } }]);
    await server.close();
    expect(existsSync(unix)).toBe(false);
  });

  test("takes the file of a Unix socket that nobody listens on away", async () => {
    using at = folder();
    const unix = join(at.path, "socket");
    const { spawnSync } = await import("node:child_process");
    const program = `require("node:net").createServer().listen(${JSON.stringify(unix)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", program]);
    expect(existsSync(unix)).toBe(true);
    await using server = await serve(accepting(), { unix });
    expect(server.address.address).toBe(unix);
  });

  test("leaves the Unix socket of somebody else alone, and a file that is none", async () => {
    using at = folder();
    const [unix, file] = [join(at.path, "socket"), join(at.path, "file")];
    const other = createServer().listen(unix);
    await once(other, "listening");
    writeFileSync(file, "precious");
    for (const path of [unix, file]) {
      await expect(serve(accepting(), { unix: path })).rejects.toMatchObject({ code: "ERR_LISTEN" });
      expect(existsSync(path)).toBe(true);
    }
    other.close();
  });

  test("on a Unix socket in no folder is an error that says what to do", async () => {
    using at = folder();
    await expect(serve(accepting(), { unix: join(at.path, "missing", "socket") })).rejects.toMatchObject({
      code: "ERR_LISTEN",
      message: expect.stringMatching(/ENOENT|EACCES/),
    });
  });
});
