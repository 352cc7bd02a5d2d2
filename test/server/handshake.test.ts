import { describe, expect, test } from "@jest/globals";
import { WebsocketConsumer } from "millrace";
import { clientFrame, closeFrame, closeOf, handshake, opcodes, RawClient, sampleAccept } from "./support/raw-client.ts";
import { accepting, handling, Log, Published, serving } from "./support/serving.ts";

class Echo extends WebsocketConsumer {
  override receive(text: string): void {
    this.send(text);
  }

  override receiveBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }
}

describe("a handshake by hand", () => {
  test("is answered with the key's digest of RFC 6455", async () => {
    await using serves = await serving(Echo);
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    const { statusLine, headers } = await client.head();
    expect(statusLine).toBe("HTTP/1.1 101 Switching Protocols");
    expect(headers).toEqual({ upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": sampleAccept });
  });

  test.each([0, 125, 126, 65_535, 65_536])("carries %i bytes, masked one way and plain the other", async (length) => {
    await using serves = await serving(Echo);
    using client = await RawClient.open(serves.port);
    const text = "a".repeat(length);
    const bytes = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    client.write(clientFrame(opcodes.text, text));
    client.write(clientFrame(opcodes.binary, bytes));
    for (const [opcode, sent] of [
      [opcodes.text, Buffer.from(text)],
      [opcodes.binary, bytes],
    ] as const) {
      const { payload, ...head } = await client.frame();
      expect(head).toEqual({ fin: true, opcode, masked: false });
      expect(payload.equals(sent)).toBe(true);
    }
  });

  test("puts the fragments of a message together", async () => {
    await using serves = await serving(Echo);
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "Hel", { fin: false }));
    client.write(clientFrame(opcodes.ping, "between"));
    client.write(clientFrame(opcodes.continuation, "lo"));
    expect(await client.frame()).toMatchObject({ opcode: opcodes.pong, payload: Buffer.from("between") });
    expect(await client.text()).toBe("Hello");
  });

  test("closes by the client's code, which the application hears of", async () => {
    const ends = new Log<unknown>();
    await using serves = await serving(
      accepting((event) => {
        if (event.type === "websocket.disconnect") ends.add(event);
      }),
    );
    using client = await RawClient.open(serves.port);
    client.write(closeFrame(4001, "enough"));
    expect(closeOf(await client.frame())).toEqual({ code: 4001, reason: "enough" });
    await client.ended;
    expect(await ends.find(() => true)).toEqual({ type: "websocket.disconnect", code: 4001, reason: "enough" });
  });
});

describe("a client that breaks the protocol", () => {
  test.each([
    ["a frame without a mask", clientFrame(opcodes.text, "plain", { mask: [] }), 1002],
    ["a reserved bit", Buffer.concat([Buffer.from([0xc1, 0x80]), Buffer.alloc(4)]), 1002],
    ["an unknown opcode", clientFrame(3, "?"), 1002],
    ["a control frame in fragments", clientFrame(opcodes.ping, "?", { fin: false }), 1002],
    ["a close code that nobody may send", closeFrame(1005), 1002],
    ["text that is no UTF-8", clientFrame(opcodes.text, Buffer.from([0xff, 0xfe])), 1007],
    ["a message over the size limit", clientFrame(opcodes.text, "x".repeat(1001)), 1009],
    [
      "fragments over the size limit",
      Buffer.concat([
        clientFrame(opcodes.text, "x".repeat(600), { fin: false }),
        clientFrame(opcodes.continuation, "x".repeat(600)),
      ]),
      1009,
    ],
  ])("by %s is closed with its code", async (_, bytes, code) => {
    const ends = new Log<unknown>();
    await using serves = await serving(
      accepting((event) => {
        if (event.type !== "websocket.connect") ends.add(event);
      }),
      { maxMessageSize: 1000 },
    );
    using client = await RawClient.open(serves.port);
    client.write(bytes);
    expect(closeOf(await client.frame())).toEqual({ code, reason: "" });
    await client.ended;
    expect(await ends.find(() => true)).toEqual({ type: "websocket.disconnect", code, reason: "" });
  });

  test("a message of exactly the size limit passes", async () => {
    await using serves = await serving(Echo, { maxMessageSize: 1000 });
    using client = await RawClient.open(serves.port);
    client.write(clientFrame(opcodes.text, "x".repeat(1000)));
    expect(await client.text()).toHaveLength(1000);
  });
});

describe("a handshake that is wrong", () => {
  type Wrong = [what: string, request: string, status: number, headers: Record<string, string>];
  const wrong: Wrong[] = [
    ["another version", handshake("/", { "Sec-WebSocket-Version": "8" }), 426, { "sec-websocket-version": "13" }],
    ["no version", handshake("/", { "Sec-WebSocket-Version": undefined }), 426, { "sec-websocket-version": "13" }],
    ["no key", handshake("/", { "Sec-WebSocket-Key": undefined }), 400, {}],
    ["a key of another length", handshake("/", { "Sec-WebSocket-Key": "c2hvcnQ=" }), 400, {}],
    ["an upgrade to something else", handshake("/", { Upgrade: "h2c" }), 400, {}],
    ["another method", handshake().replace("GET", "POST"), 405, { allow: "GET" }],
    ["HTTP 1.0", handshake().replace("HTTP/1.1", "HTTP/1.0"), 400, {}],
    ["a subprotocol that is no token", handshake("/", { "Sec-WebSocket-Protocol": "a b" }), 400, {}],
    ["a subprotocol offered twice", handshake("/", { "Sec-WebSocket-Protocol": "a, a" }), 400, {}],
    ["an empty subprotocol", handshake("/", { "Sec-WebSocket-Protocol": "a,,b" }), 400, {}],
    ["a malformed percent sign", handshake("/%zz"), 400, {}],
    ["a percent sign that is no UTF-8", handshake("/%ff"), 400, {}],
    ["a path that is not ASCII", handshake("/caf\u00e9"), 400, {}],
    ["a query that is not ASCII", handshake("/?caf\u00e9"), 400, {}],
    ...["\u000b", "\u000c", "\u001c", "\u001d", "\u001e"].map((control): Wrong => [
      `the control character ${JSON.stringify(control)} in a header`,
      handshake("/", { "X-Odd": `a${control}b` }),
      400,
      {},
    ]),
  ];

  test.each(wrong)("by %s is refused, and no application hears of it", async (_, request, status, headers) => {
    let calls = 0;
    await using serves = await serving((connection) => {
      if (connection.scope.type === "websocket") calls++;
      return () => {};
    });
    using client = await RawClient.connect(serves.port);
    client.socket.write(request, "latin1");
    const head = await client.head();
    expect(head).toMatchObject({ status, headers: { connection: "close", ...headers } });
    await client.ended;
    expect(calls).toBe(0);
  });
});

describe("while connect() is pending", () => {
  /** An application whose `websocket.connect` waits to be released. */
  function waiting() {
    const events = new Log<string>();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const application = handling(async (event, connection) => {
      if (connection.scope.type !== "websocket") return;
      const { type, text, code } = event as { type: string; text?: string; code?: number };
      events.add(text ?? (code === undefined ? type : `${type} ${code}`));
      if (event.type !== "websocket.connect") return;
      await released;
      connection.send({ type: "websocket.accept" });
      connection.send({ type: "websocket.send", text: "welcome" });
    });
    return { events, release: () => release(), application };
  }

  test("early bytes wait, and come after connect", async () => {
    const { application, events, release } = waiting();
    await using serves = await serving(application);
    using client = await RawClient.connect(serves.port);
    client.write(Buffer.concat([Buffer.from(handshake()), clientFrame(opcodes.text, "one")]));
    await events.find((event) => event === "websocket.connect");
    client.write(clientFrame(opcodes.text, "two").subarray(0, 3));
    client.write(clientFrame(opcodes.text, "two").subarray(3));
    // A later request has been answered, so the early bytes have been read.
    using later = await RawClient.connect(serves.port);
    later.write(handshake("/", { "Sec-WebSocket-Version": "8" }));
    expect((await later.head()).status).toBe(426);
    release();
    expect((await client.head()).status).toBe(101);
    expect(await client.text()).toBe("welcome");
    await events.find((event) => event === "two");
    expect(events.entries).toEqual(["websocket.connect", "one", "two"]);
  });

  test("more than 64 KiB of early bytes are left in the network, and none is lost", async () => {
    const { application, events, release } = waiting();
    await using serves = await serving(application);
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    await events.find((event) => event === "websocket.connect");
    const texts = Array.from({ length: 50 }, (_, at) => String(at).repeat(2000));
    for (const text of texts) client.write(clientFrame(opcodes.text, text));
    release();
    expect((await client.head()).status).toBe(101);
    await events.find((event) => event === texts.at(-1));
    expect(events.entries).toEqual(["websocket.connect", ...texts]);
  });

  test.each([
    ["resets the connection", (client: RawClient) => client.reset()],
    ["ends its side", (client: RawClient) => void client.socket.end()],
    ["sends early bytes and ends its side", (client: RawClient) => void client.socket.end(clientFrame(1, "early"))],
  ])("a client that %s has left: disconnect comes with 1006, and accepting does nothing", async (_, leave) => {
    using published = new Published("millrace:websocket:refused", "millrace:websocket:dropped");
    const { application, events, release } = waiting();
    await using serves = await serving(application);
    using client = await RawClient.connect(serves.port);
    client.write(handshake("/room/"));
    await events.find((event) => event === "websocket.connect");
    leave(client);
    await events.find((event) => event === "websocket.disconnect 1006");
    release();
    await published.next("millrace:websocket:dropped");
    expect(published.of("millrace:websocket:refused")).toEqual([
      { path: "/room/", status: 0, reason: "the client left" },
    ]);
    expect(published.of("millrace:websocket:dropped")).toMatchObject([{ reason: "closed", messages: 1 }]);
    expect(events.entries).toEqual(["websocket.connect", "websocket.disconnect 1006"]);
  });

  test("an application that neither accepts nor refuses gets a deadline: 504, and disconnect", async () => {
    const { application, events } = waiting();
    await using serves = await serving(application, { handshakeTimeout: 20 });
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    expect((await client.head()).status).toBe(504);
    await events.find((event) => event === "websocket.disconnect 1006");
    expect(events.entries).toEqual(["websocket.connect", "websocket.disconnect 1006"]);
  });
});

describe("while middleware is awaited", () => {
  test("a client that leaves is never heard of, by no event at all", async () => {
    using published = new Published("millrace:websocket:refused");
    const events = new Log<string>();
    let called = (): void => {};
    const calls = new Promise<void>((resolve) => (called = resolve));
    let answer = (): void => {};
    await using serves = await serving(async (connection) => {
      if (connection.scope.type !== "websocket") return () => {};
      called();
      await new Promise<void>((resolve) => (answer = resolve));
      return (event) => events.add(event.type);
    });
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    await calls;
    client.reset();
    await published.next("millrace:websocket:refused");
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.entries).toEqual([]);
    expect(serves.server.connections).toBe(0);
  });

  test("the deadline holds as well", async () => {
    await using serves = await serving(
      (connection) => (connection.scope.type === "websocket" ? new Promise(() => {}) : () => {}),
      { handshakeTimeout: 20 },
    );
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    expect((await client.head()).status).toBe(504);
  });

  test("a socket can be refused before its application is found, but not accepted", async () => {
    const failures = new Log<unknown>();
    await using serves = await serving((connection) => {
      if (connection.scope.type !== "websocket") return () => {};
      try {
        connection.send({ type: "websocket.accept" });
      } catch (error) {
        failures.add((error as { code?: unknown }).code);
      }
      connection.send({ type: "websocket.deny", status: 401 });
      return () => failures.add("an event");
    });
    using client = await RawClient.connect(serves.port);
    client.write(handshake());
    expect((await client.head()).status).toBe(401);
    expect(failures.entries).toEqual(["ERR_PROTOCOL_STATE"]);
  });
});

test("a refusal reaches a client that goes on sending", async () => {
  await using serves = await serving(
    handling((event, connection) => {
      if (event.type === "websocket.connect") connection.send({ type: "websocket.deny", body: "no".repeat(50_000) });
    }),
  );
  using client = await RawClient.connect(serves.port, { allowHalfOpen: true });
  client.write(handshake());
  client.write(Buffer.alloc(1024 * 1024));
  expect((await client.head()).status).toBe(403);
  expect((await client.rest()).toString()).toBe("no".repeat(50_000));
});

test("a refused client that never ends its side is cut after the close time-out", async () => {
  await using serves = await serving(
    handling((event, connection) => {
      if (event.type === "websocket.connect") connection.send({ type: "websocket.deny" });
    }),
    { closeTimeout: 20 },
  );
  using client = await RawClient.connect(serves.port, { allowHalfOpen: true });
  client.write(handshake());
  await client.rest();
  expect(serves.server.connections).toBe(1);
  // What is sent to a socket that is gone comes back as a reset.
  const sending = setInterval(() => client.write("more"), 5);
  await new Promise((resolve) => client.socket.once("close", resolve));
  clearInterval(sending);
});
