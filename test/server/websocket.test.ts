import { describe, expect, test } from "@jest/globals";
import { DenyConnection, JsonWebsocketConsumer, type WebsocketScope, WebsocketConsumer } from "millrace";
import { WebSocket } from "ws";
import { clientFrame, closeOf, handshake, opcodes, RawClient } from "./support/raw-client.ts";
import { accepting, handling, Log, Published, serving } from "./support/serving.ts";

/** What a refusing server says. */
async function refusal(port: number, target = "/", headers: Record<string, string> = {}) {
  using client = await RawClient.connect(port);
  client.write(handshake(target, headers));
  const head = await client.head();
  return { ...head, body: (await client.rest()).toString() };
}

describe("the scope of a socket", () => {
  async function scopeOf(target: string, headers: Record<string, string> = {}): Promise<WebsocketScope> {
    const scopes = new Log<WebsocketScope>();
    await using serves = await serving(
      accepting((event, { scope }) => {
        if (event.type === "websocket.connect") scopes.add(scope as WebsocketScope);
      }),
    );
    using _ = await RawClient.open(serves.port, target, headers);
    return await scopes.find(() => true);
  }

  test("has the path decoded and as it was sent, and the query as it was sent and parsed", async () => {
    const scope = await scopeOf("/caf%C3%A9/a%2Fb/?x=1&x=2&y=%20z");
    expect(scope).toMatchObject({
      type: "websocket",
      scheme: "ws",
      path: "/café/a/b/",
      rawPath: "/caf%C3%A9/a%2Fb/",
      rootPath: "",
      queryString: "x=1&x=2&y=%20z",
      httpVersion: "1.1",
      params: {},
      args: [],
      subprotocols: [],
      server: { address: "127.0.0.1", port: expect.any(Number) },
      client: { address: "127.0.0.1", port: expect.any(Number) },
    });
    expect(scope.query.getAll("x")).toEqual(["1", "2"]);
    expect(scope.query).toBe(scope.query);
    expect({ ...scope }.query.get("y")).toBe(" z");
  });

  test("has header names in lower case", async () => {
    const { headers } = await scopeOf("/", { "X-Mixed-Case": " padded  " });
    expect(headers["x-mixed-case"]).toBe("padded");
  });

  test("has the subprotocols that the client offers, in its order", async () => {
    expect((await scopeOf("/", { "Sec-WebSocket-Protocol": "chat.v2,\tchat.v1 , x" })).subprotocols).toEqual([
      "chat.v2",
      "chat.v1",
      "x",
    ]);
  });

  test.each([
    ["http://example.test/a/b?c", "/a/b", "c"],
    ["http://example.test?c", "/", "c"],
    ["/?", "/", ""],
    ["//two/slashes", "//two/slashes", ""],
  ])("of the target %s has its path %s", async (target, path, queryString) => {
    expect(await scopeOf(target)).toMatchObject({ path, queryString });
  });
});

describe("accepting", () => {
  test("answers with the subprotocol that the application chose, and with its headers and cookies", async () => {
    await using serves = await serving(
      class extends WebsocketConsumer {
        override connect(): void {
          this.accept("second", [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
            ["x-room", "lobby"],
          ]);
        }
      },
    );
    using client = await RawClient.connect(serves.port);
    client.write(handshake("/", { "Sec-WebSocket-Protocol": "first, second" }));
    expect(await client.head()).toMatchObject({
      status: 101,
      headers: { "sec-websocket-protocol": "second", "set-cookie": "a=1, b=2", "x-room": "lobby" },
    });
  });

  test("chooses no subprotocol when the application does not", async () => {
    await using serves = await serving(accepting());
    using client = await RawClient.connect(serves.port);
    client.write(handshake("/", { "Sec-WebSocket-Protocol": "first, second" }));
    expect((await client.head()).headers).not.toHaveProperty("sec-websocket-protocol");
  });

  test("with a subprotocol that was not offered is a clear error at once, and 500", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      class extends WebsocketConsumer {
        override connect(): void {
          this.accept("mine");
        }
      },
    );
    expect(await refusal(serves.port, "/", { "Sec-WebSocket-Protocol": "yours" })).toMatchObject({ status: 500 });
    expect(published.of("millrace:application:error")).toMatchObject([
      { error: { code: "ERR_SUBPROTOCOL_NOT_OFFERED" } },
    ]);
  });
});

describe("refusing", () => {
  test.each([
    ["close() before accept()", (consumer: WebsocketConsumer) => consumer.close(4001)],
    [
      "DenyConnection",
      () => {
        throw new DenyConnection();
      },
    ],
  ])("by %s is 403, and disconnect comes last", async (_, refuse) => {
    const calls = new Log<string>();
    await using serves = await serving(
      class extends WebsocketConsumer {
        override connect(): void {
          calls.add("connect");
          refuse(this);
        }

        override disconnect(code: number): void {
          calls.add(`disconnect ${code}`);
        }
      },
    );
    const { statusLine, headers, body } = await refusal(serves.port);
    expect(statusLine).toBe("HTTP/1.1 403 Forbidden");
    expect(headers).toMatchObject({ connection: "close", "content-length": String(body.length) });
    await calls.find((call) => call.startsWith("disconnect"));
    expect(calls.entries).toEqual(["connect", "disconnect 1006"]);
  });

  test("may have a status, headers and a body of the application's own", async () => {
    await using serves = await serving(
      class extends WebsocketConsumer {
        override connect(): void {
          throw new DenyConnection({
            status: 429,
            headers: { "retry-after": "7", "content-type": "application/json" },
            body: '{"wait":7}',
          });
        }
      },
    );
    expect(await refusal(serves.port)).toMatchObject({
      statusLine: "HTTP/1.1 429 Too Many Requests",
      headers: { "retry-after": "7", "content-length": "10", "content-type": "application/json" },
      body: '{"wait":7}',
    });
  });

  test("is published, as every handshake that was not accepted", async () => {
    using published = new Published("millrace:websocket:refused", "millrace:websocket:open");
    await using serves = await serving(
      handling((event, connection) => {
        if (event.type === "websocket.connect")
          connection.send({ type: "websocket.deny", status: 302, headers: { location: "/login" } });
      }),
    );
    expect(await refusal(serves.port, "/members/")).toMatchObject({ status: 302, headers: { location: "/login" } });
    expect(published.entries).toMatchObject([
      { name: "millrace:websocket:refused", payload: { path: "/members/", status: 302 } },
    ]);
  });
});

describe("messages", () => {
  test("of text and of bytes go both ways, emoji and bytes that are no UTF-8 too, and empty ones", async () => {
    const got: unknown[] = [];
    await using serves = await serving(
      accepting((event, connection) => {
        if (event.type !== "websocket.receive") return;
        got.push(event);
        connection.send({ ...event, type: "websocket.send" });
      }),
    );
    using client = await RawClient.open(serves.port);
    const texts = ["hello", "🐎 naïve", ""];
    const all = [Buffer.from([0xff, 0x00, 0xfe]), Buffer.alloc(0)];
    for (const text of texts) client.write(clientFrame(opcodes.text, text));
    for (const bytes of all) client.write(clientFrame(opcodes.binary, bytes));
    for (const text of texts) expect(await client.text()).toBe(text);
    for (const bytes of all) expect(await client.frame()).toMatchObject({ opcode: opcodes.binary, payload: bytes });
    expect(got).toEqual([
      ...texts.map((text) => ({ type: "websocket.receive", text })),
      ...all.map((bytes) => ({ type: "websocket.receive", bytes })),
    ]);
  });

  test("that are sent in the turn of a close come before the close frame, in order", async () => {
    await using serves = await serving(
      class extends WebsocketConsumer {
        override receive(): void {
          for (let at = 0; at < 20; at++) this.send(`message ${at}`);
          this.close(4000, "done");
        }
      },
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "go"));
    for (let at = 0; at < 20; at++) expect(await client.text()).toBe(`message ${at}`);
    expect(closeOf(await client.frame())).toEqual({ code: 4000, reason: "done" });
  });

  test("that a client sends after the application has closed are ignored", async () => {
    const events = new Log<string>();
    await using serves = await serving(
      accepting((event, connection) => {
        events.add(event.type);
        if (event.type === "websocket.receive") connection.send({ type: "websocket.close" });
      }),
    );
    using client = await RawClient.open(serves.port);
    for (const text of ["one", "two"]) client.write(clientFrame(opcodes.text, text));
    expect(closeOf(await client.frame())).toEqual({ code: 1000, reason: "" });
    client.write(clientFrame(opcodes.text, "three"));
    client.socket.end(clientFrame(opcodes.close, Buffer.from([0x03, 0xe8])));
    await events.find((event) => event === "websocket.disconnect");
    expect(events.entries).toEqual(["websocket.connect", "websocket.receive", "websocket.disconnect"]);
  });

  test("that a client sent right before it vanished still come, and then disconnect with 1006", async () => {
    const events = new Log<unknown>();
    await using serves = await serving(
      accepting((event) => events.add("text" in event ? event["text"] : "code" in event ? event["code"] : "")),
    );
    const client = await RawClient.open(serves.port);
    client.socket.end(Buffer.concat(["a", "b"].map((text) => clientFrame(opcodes.text, text))));
    await events.find((event) => event === 1006);
    expect(events.entries).toEqual(["", "a", "b", 1006]);
  });
});

describe("an application that fails", () => {
  const failing: Array<[string, () => unknown]> = [
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
    ["rejects", () => Promise.reject(new Error("broken"))],
  ];

  test.each(failing)("and %s before accept is answered with 500 at once, and reported once", async (_, fail) => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      handling((event) => (event.type === "websocket.connect" ? (fail() as Promise<void>) : undefined)),
    );
    expect(await refusal(serves.port)).toMatchObject({ status: 500, body: "Internal Server Error\n" });
    expect(published.of("millrace:application:error")).toMatchObject([
      { event: "websocket.connect", error: { message: "broken" } },
    ]);
  });

  test.each(failing)("and %s while it is called is answered with 500 at once, and reported once", async (_, fail) => {
    using published = new Published("millrace:application:error");
    await using serves = await serving((connection) =>
      connection.scope.type === "websocket" ? (fail() as Promise<never>) : () => {},
    );
    expect(await refusal(serves.port)).toMatchObject({ status: 500 });
    expect(published.of("millrace:application:error")).toMatchObject([{ event: "", error: { message: "broken" } }]);
  });

  test.each(failing)("and %s in a handler closes the socket with 1011, reported once", async (_, fail) => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      accepting((event) => (event.type === "websocket.receive" ? (fail() as Promise<void>) : undefined)),
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "go"));
    expect(closeOf(await client.frame())).toEqual({ code: 1011, reason: "" });
    expect(published.of("millrace:application:error")).toMatchObject([
      { event: "websocket.receive", error: { message: "broken" } },
    ]);
  });

  test("as a consumer closes with 1011, and its disconnect runs", async () => {
    using published = new Published("millrace:application:error");
    const calls = new Log<string>();
    await using serves = await serving(
      class extends WebsocketConsumer {
        override async receive(): Promise<void> {
          throw new Error("broken");
        }

        override disconnect(code: number): void {
          calls.add(`disconnect ${code}`);
        }
      },
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "go"));
    expect(closeOf(await client.frame())).toEqual({ code: 1011, reason: "" });
    await calls.find((call) => call === "disconnect 1011");
    expect(published.of("millrace:application:error")).toHaveLength(1);
  });

  test.each([
    ["sends before accept", { type: "websocket.send", text: "early" }, 500],
    ["sends an event of another protocol", { type: "http.response.start", status: 200 }, 500],
  ] as const)("because it %s is answered with %i", async (_, event, status) => {
    await using serves = await serving(
      handling((incoming, connection) => {
        if (incoming.type === "websocket.connect") connection.send(event);
      }),
    );
    expect(await refusal(serves.port)).toMatchObject({ status });
  });

  test.each([
    ["accepts twice", { type: "websocket.accept" }],
    ["refuses after accept", { type: "websocket.deny" }],
    ["closes with a code that can't be sent", { type: "websocket.close", code: 999 }],
    ["sends neither text nor bytes", { type: "websocket.send" }],
    ["sends both", { type: "websocket.send", text: "a", bytes: new Uint8Array(1) }],
  ] as const)("because it %s is closed with 1011", async (_, event) => {
    await using serves = await serving(
      accepting((incoming, connection) => {
        if (incoming.type === "websocket.receive") connection.send(event);
      }),
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "go"));
    expect(closeOf(await client.frame())).toEqual({ code: 1011, reason: "" });
  });

  test("after its client has left is reported all the same", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      accepting((event) => {
        if (event.type === "websocket.disconnect") throw new Error("too late");
      }),
    );
    (await RawClient.open(serves.port)).reset();
    expect(await published.next("millrace:application:error")).toMatchObject({ event: "websocket.disconnect" });
  });

  test("by answering with no function at all is answered with 500 and told what was wanted", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving((() => undefined) as never);
    expect(await refusal(serves.port)).toMatchObject({ status: 500 });
    expect(published.of("millrace:application:error").at(-1)).toMatchObject({ error: { code: "ERR_INVALID_ROUTE" } });
  });
});

test("an application of another protocol is no route: 404, and reported with what to do", async () => {
  using published = new Published("millrace:application:error");
  await using serves = await serving(WebsocketConsumer);
  const response = await fetch(`http://127.0.0.1:${serves.port}/`);
  expect([response.status, await response.text()]).toEqual([404, "Not Found\n"]);
  expect(published.of("millrace:application:error")).toMatchObject([{ error: { code: "ERR_WRONG_PROTOCOL" } }]);
});

describe("a socket that is closed", () => {
  test("takes what is sent, says false, and publishes what was dropped", async () => {
    using published = new Published("millrace:websocket:dropped");
    const results = new Log<boolean>();
    await using serves = await serving(
      accepting((event, connection) => {
        if (event.type !== "websocket.disconnect") return;
        results.add(connection.send({ type: "websocket.send", text: "late" }));
        results.add(connection.send({ type: "websocket.close" }));
        results.add(connection.send({ type: "websocket.accept" }));
        results.add(connection.send({ type: "websocket.deny" }));
      }),
    );
    (await RawClient.open(serves.port, "/late/")).reset();
    expect(await published.next("millrace:websocket:dropped")).toMatchObject({ reason: "closed", messages: 1 });
    expect(results.entries).toEqual([false, false, false, false]);
  });

  test("is over: its signal has aborted before disconnect, and drained() settles", async () => {
    const seen = new Log<unknown>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if (event.type === "websocket.connect") seen.add(connection.signal.aborted);
        if (event.type !== "websocket.disconnect") return;
        seen.add(connection.signal.aborted);
        await connection.drained();
        seen.add("drained");
      }),
    );
    (await RawClient.open(serves.port)).reset();
    await seen.find((entry) => entry === "drained");
    expect(seen.entries).toEqual([false, true, "drained"]);
  });

  test("is published when it opens and when it closes", async () => {
    using published = new Published("millrace:websocket:open", "millrace:websocket:close");
    await using serves = await serving(accepting());
    const client = new WebSocket(`ws://127.0.0.1:${serves.port}/room/`);
    client.on("open", () => client.close(3001, "leaving"));
    await published.next("millrace:websocket:close");
    expect(published.entries).toMatchObject([
      { name: "millrace:websocket:open", payload: { scope: { path: "/room/" } } },
      { name: "millrace:websocket:close", payload: { scope: { path: "/room/" }, code: 3001, reason: "leaving" } },
    ]);
  });

  test("by a client without a code ends with 1005", async () => {
    const ends = new Log<unknown>();
    await using serves = await serving(
      accepting((event) => {
        if ("code" in event) ends.add(event["code"]);
      }),
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.close, ""));
    expect(closeOf(await client.frame())).toEqual({ code: 1005, reason: "" });
    expect(await ends.find(() => true)).toBe(1005);
  });

  test("by the application is cut after the close time-out when the client does not answer", async () => {
    const ends = new Log<unknown>();
    await using serves = await serving(
      accepting((event, connection) => {
        if ("code" in event) ends.add(event["code"]);
        else if (event.type === "websocket.receive") connection.send({ type: "websocket.close", code: 4000 });
      }),
      { closeTimeout: 20 },
    );
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "go"));
    expect(closeOf(await client.frame())).toMatchObject({ code: 4000 });
    expect(await ends.find(() => true)).toBe(1006);
  });
});

test("JSON goes both ways", async () => {
  await using serves = await serving(
    class extends JsonWebsocketConsumer {
      override receiveJson(content: unknown): void {
        this.sendJson({ got: content });
      }
    },
  );
  using client = await RawClient.open(serves.port);
  client.write(clientFrame(opcodes.text, '{"a":[1,null]}'));
  expect(JSON.parse(await client.text())).toEqual({ got: { a: [1, null] } });
});
