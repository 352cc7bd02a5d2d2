import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { once } from "node:events";
import { request } from "node:http";
import { HttpConsumer, type HttpScope, type OutgoingHeaders, type Receive } from "millrace";
import { nodeExchange } from "../../src/protocol/node-exchange.ts";
import { NoRoute } from "../../src/protocol/no-route.ts";
import { RawClient } from "./support/raw-client.ts";
import { handling, Log, Published, serving } from "./support/serving.ts";

/** An application for requests that answers each with what a function makes of it. */
function answering(
  answer: (scope: HttpScope, body: string) => [status: number, headers: OutgoingHeaders, body: string],
) {
  return class extends HttpConsumer {
    override handle(body: Uint8Array): void {
      const [status, headers, text] = answer(this.scope, Buffer.from(body).toString());
      this.sendResponse(status, text, headers);
    }
  };
}

/** Makes a request byte by byte, and takes all that is answered. */
async function exchange(port: number, bytes: string) {
  using client = await RawClient.connect(port);
  client.socket.write(bytes.replaceAll("\n", "\r\n"), "latin1");
  const head = await client.head();
  return { ...head, body: (await client.rest()).toString() };
}

describe("the scope of a request", () => {
  async function scopeOf(bytes: string, options = {}): Promise<HttpScope> {
    const scopes: HttpScope[] = [];
    await using serves = await serving(
      answering((scope) => {
        scopes.push(scope);
        return [200, {}, ""];
      }),
      options,
    );
    await exchange(serves.port, bytes);
    return scopes[0] as HttpScope;
  }

  test("of a minimal request", async () => {
    expect(await scopeOf("GET / HTTP/1.1\nHost: a\nConnection: close\n\n")).toMatchObject({
      type: "http",
      scheme: "http",
      method: "GET",
      path: "/",
      rawPath: "/",
      rootPath: "",
      queryString: "",
      headers: { host: "a", connection: "close" },
      httpVersion: "1.1",
      client: { address: "127.0.0.1", port: expect.any(Number) },
      server: { address: "127.0.0.1", port: expect.any(Number) },
      params: {},
      args: [],
    });
  });

  test("has path and query, decoded and as they were sent", async () => {
    const scope = await scopeOf(
      "POST /te%20st-%C3%A0/?foo=+bar%20 HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 0\n\n",
    );
    expect(scope).toMatchObject({
      method: "POST",
      path: "/te st-à/",
      rawPath: "/te%20st-%C3%A0/",
      queryString: "foo=+bar%20",
    });
    expect(scope.query.get("foo")).toBe(" bar ");
  });

  test("joins the values of a header that was sent twice", async () => {
    const scope = await scopeOf("GET / HTTP/1.1\nHost: a\nX-Two: 1\nx-two:   2  \nConnection: close\n\n");
    expect(scope.headers["x-two"]).toBe("1, 2");
  });

  test("has the root path of the options, and a trusted proxy's client, scheme and prefix", async () => {
    const bytes =
      "GET /a HTTP/1.1\nHost: a\nConnection: close\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Prefix: /shop/\n\n";
    expect(await scopeOf(bytes, { rootPath: "/app" })).toMatchObject({
      rootPath: "/app",
      scheme: "http",
      client: { address: "127.0.0.1" },
    });
    expect(await scopeOf(bytes, { rootPath: "/app", trustedProxies: ["127.0.0.1"] })).toMatchObject({
      rootPath: "/shop",
      scheme: "https",
      client: { address: "1.2.3.4", port: 0 },
    });
  });

  test.each([
    ["a path that is not ASCII", "GET /caf\u00e9 HTTP/1.1\nHost: a\nConnection: close\n\n"],
    ["a query that is not ASCII", "GET /?caf\u00e9 HTTP/1.1\nHost: a\nConnection: close\n\n"],
    ["a malformed percent sign", "GET /%zz HTTP/1.1\nHost: a\nConnection: close\n\n"],
    ["a target that is no path", "OPTIONS * HTTP/1.1\nHost: a\nConnection: close\n\n"],
    ["a header name that is no token", "GET / HTTP/1.1\nHost: a\nBad name: 1\n\n"],
    ...["\u000b", "\u000c", "\u001c", "\u001d", "\u001e"].map((control): [string, string] => [
      `the control character ${JSON.stringify(control)} in a header`,
      `GET / HTTP/1.1\nHost: a\nX-Odd: a${control}b\n\n`,
    ]),
  ])("does not exist for %s: 400", async (_, bytes) => {
    await using serves = await serving(answering(() => [200, {}, ""]));
    expect((await exchange(serves.port, bytes)).status).toBe(400);
  });
});

test("any path, query, headers and body arrive as they were sent, and any response as it was made", async () => {
  const heard: HttpScope[] = [];
  let answer: { status: number; headers: Array<[string, string]>; body: Uint8Array };
  await using serves = await serving(
    class extends HttpConsumer {
      override handle(body: Uint8Array): void {
        heard.push(this.scope);
        this.sendResponse(answer.status, Buffer.concat([body, answer.body]), answer.headers);
      }
    },
  );
  const latin = fc.string({
    unit: fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code < 0x7f || code > 0xa0)
      .map((code) => String.fromCharCode(code)),
  });
  const headers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), latin), {
    selector: ([name]) => name,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 4 }),
      fc.array(fc.tuple(fc.string(), fc.string({ unit: "grapheme" })), { maxLength: 4 }),
      headers,
      fc.uint8Array({ maxLength: 5000 }),
      fc.record({
        status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
        headers,
        body: fc.uint8Array({ maxLength: 5000 }),
      }),
      async (segments, query, sentHeaders, body, wanted) => {
        answer = wanted;
        const path = `/${segments.map(encodeURIComponent).join("/")}`;
        const queryString = new URLSearchParams(query).toString();
        using client = await RawClient.connect(serves.port);
        const lines = [
          `POST ${path}?${queryString} HTTP/1.1`,
          "Host: a",
          "Connection: close",
          `Content-Length: ${body.length}`,
        ];
        lines.push(...sentHeaders.map(([name, value]) => `${name}: ${value}`));
        client.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]));
        const { status, headers: got } = await client.head();
        const scope = heard.at(-1);
        expect(scope).toMatchObject({ path: `/${segments.join("/")}`, rawPath: path, queryString });
        expect(Array.from(scope?.query ?? [])).toEqual(query);
        expect(scope?.headers).toMatchObject(Object.fromEntries(sentHeaders));
        expect(status).toBe(wanted.status);
        expect(got).toMatchObject(Object.fromEntries(wanted.headers));
        expect((await client.rest()).equals(Buffer.concat([body, wanted.body]))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

describe("a request's body", () => {
  /** The events that an application gets for a request. */
  async function eventsOf(send: (client: RawClient) => void | Promise<void>) {
    const events = new Log<{ type: string; body?: string; moreBody?: unknown }>();
    await using serves = await serving(
      handling((event, connection) => {
        if (connection.scope.type !== "http") return;
        events.add("body" in event ? { ...event, body: Buffer.from(event["body"] as Uint8Array).toString() } : event);
        if (event.type !== "http.request" || event["moreBody"] === true) return;
        connection.send({ type: "http.response.start", status: 200 });
        connection.send({ type: "http.response.body", body: "done" });
      }),
    );
    using client = await RawClient.connect(serves.port);
    await send(client);
    expect((await client.head()).status).toBe(200);
    await events.find(({ type }) => type === "http.disconnect");
    return events.entries;
  }

  test("that is empty is one event, and then comes http.disconnect", async () => {
    expect(await eventsOf((client) => client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))).toEqual([
      { type: "http.request", body: "", moreBody: false },
      { type: "http.disconnect" },
    ]);
  });

  test("of a known length is marked at its last part", async () => {
    const events = await eventsOf(async (client) => {
      client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.write("67890");
    });
    expect(events).toEqual([
      { type: "http.request", body: "12345", moreBody: true },
      { type: "http.request", body: "67890", moreBody: false },
      { type: "http.disconnect" },
    ]);
  });

  test("in chunks ends with an empty last part", async () => {
    const events = await eventsOf((client) =>
      client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    );
    expect(events).toEqual([
      { type: "http.request", body: "abc", moreBody: true },
      { type: "http.request", body: "", moreBody: false },
      { type: "http.disconnect" },
    ]);
  });

  test("is read no faster than it is handled", async () => {
    let handling = 0;
    let most = 0;
    let size = 0;
    await using serves = await serving((connection) => async (event) => {
      if (event.type !== "http.request") return;
      handling++;
      most = Math.max(most, handling);
      size += (event["body"] as Uint8Array).length;
      await new Promise((resolve) => setImmediate(resolve));
      handling--;
      if (event["moreBody"] === true) return;
      connection.send({ type: "http.response.start", status: 200 });
      connection.send({ type: "http.response.body", body: String(size) });
    });
    const body = Buffer.alloc(3_000_000);
    const response = await fetch(`http://127.0.0.1:${serves.port}/`, { method: "POST", body });
    expect(await response.text()).toBe("3000000");
    expect(most).toBe(1);
  });

  test("over a consumer's limit is answered with 413, although the client goes on sending", async () => {
    await using serves = await serving(
      class extends HttpConsumer {
        override maxBody = 1000;
      },
    );
    using client = await RawClient.connect(serves.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${"x".repeat(50_000)}`);
    expect((await client.head()).status).toBe(413);
  });
});

describe("a response", () => {
  test("that is sent in one go has a length", async () => {
    await using serves = await serving(answering(() => [201, { "x-a": ["1", "2"], "content-type": "text/x" }, "hé"]));
    expect(await exchange(serves.port, "GET / HTTP/1.1\nHost: a\nConnection: close\n\n")).toMatchObject({
      statusLine: "HTTP/1.1 201 Created",
      headers: { "content-length": "3", "content-type": "text/x", "x-a": "1, 2" },
      body: "hé",
    });
  });

  test("in parts is sent in chunks, its head at once", async () => {
    let go = (): void => {};
    await using serves = await serving(
      class extends HttpConsumer {
        override async handle(): Promise<void> {
          this.sendHeaders(200, [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ]);
          await new Promise<void>((resolve) => (go = resolve));
          this.sendBody("one ", { moreBody: true });
          this.sendBody("", { moreBody: true });
          this.sendBody(Buffer.from("two"), { moreBody: true });
          this.sendBody("");
        }
      },
    );
    using client = await RawClient.connect(serves.port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await client.head()).toMatchObject({
      status: 200,
      headers: { "transfer-encoding": "chunked", "set-cookie": "a=1, b=2" },
    });
    go();
    expect((await client.rest()).toString()).toBe("4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n");
  });

  test("to HEAD has the head of the one to GET, and no body", async () => {
    await using serves = await serving(answering(() => [200, {}, "twelve bytes"]));
    expect(await exchange(serves.port, "HEAD / HTTP/1.1\nHost: a\nConnection: close\n\n")).toMatchObject({
      headers: { "content-length": "12" },
      body: "",
    });
  });

  test.each([204, 304])("of status %i has neither body nor length", async (status) => {
    await using serves = await serving(answering(() => [status, {}, ""]));
    const { headers, body } = await exchange(serves.port, "GET / HTTP/1.1\nHost: a\nConnection: close\n\n");
    expect([headers["content-length"], headers["transfer-encoding"], body]).toEqual([undefined, undefined, ""]);
  });

  test("is published with its status and its time", async () => {
    using published = new Published("millrace:http:response");
    await using serves = await serving(answering(() => [202, {}, "x"]));
    await fetch(`http://127.0.0.1:${serves.port}/job`);
    expect(await published.next("millrace:http:response")).toMatchObject({
      scope: { path: "/job" },
      status: 202,
      milliseconds: expect.any(Number),
    });
  });

  test("leaves the connection for the next request", async () => {
    await using serves = await serving(answering((scope, body) => [200, {}, `${scope.path} ${body}`]));
    using client = await RawClient.connect(serves.port);
    client.write(
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nAPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nB",
    );
    for (const body of ["/a A", "/b B"]) {
      expect((await client.head()).headers).toMatchObject({ "content-length": String(body.length) });
      expect((await client.take(body.length)).toString()).toBe(body);
    }
  });

  test("to a client that is behind says false, and drained() waits for it", async () => {
    const log = new Log<unknown>();
    await using serves = await serving(
      class extends HttpConsumer {
        override async handle(): Promise<void> {
          this.sendHeaders(200);
          while (this.sendBody("x".repeat(65_536), { moreBody: true }))
            await new Promise((resolve) => setImmediate(resolve));
          log.add("behind");
          await this.drained();
          log.add(this.sendBody("", { moreBody: false }));
        }
      },
    );
    using client = await RawClient.connect(serves.port);
    client.socket.pause();
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await log.find((entry) => entry === "behind");
    client.socket.resume();
    await client.ended;
    expect(log.entries).toEqual(["behind", true]);
  });
});

describe("an application that fails", () => {
  test.each([
    [
      "throws when it is called",
      () => {
        throw new Error("broken");
      },
    ],
    ["rejects when it is called", () => Promise.reject(new Error("broken"))],
    [
      "throws in a handler",
      () => (event) => {
        if (event.type === "http.request") throw new Error("broken");
      },
    ],
    [
      "rejects in a handler",
      () => async (event) => {
        if (event.type === "http.request") throw new Error("broken");
      },
    ],
  ] as Array<[string, () => Receive | Promise<Receive>]>)(
    "and %s is answered with 500, and reported once",
    async (_, application) => {
      using published = new Published("millrace:application:error");
      await using serves = await serving((connection) => (connection.scope.type === "http" ? application() : () => {}));
      const response = await fetch(`http://127.0.0.1:${serves.port}/`);
      expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
      expect(published.of("millrace:application:error")).toMatchObject([{ error: { message: "broken" } }]);
    },
  );

  test("after its response has begun has it broken off, so that the client notices", async () => {
    using published = new Published("millrace:http:response", "millrace:application:error");
    await using serves = await serving(
      class extends HttpConsumer {
        override async handle(): Promise<void> {
          this.sendHeaders(200);
          this.sendBody("half", { moreBody: true });
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error("broken");
        }
      },
    );
    const response = await fetch(`http://127.0.0.1:${serves.port}/`);
    await expect(response.text()).rejects.toThrow();
    expect(await published.next("millrace:http:response")).toMatchObject({ status: 0 });
    expect(published.of("millrace:application:error")).toHaveLength(1);
  });

  test.each([
    ["no status", { type: "http.response.start" }, "ERR_INVALID_EVENT"],
    ["a status of 1000", { type: "http.response.start", status: 1000 }, "ERR_INVALID_EVENT"],
    [
      "a header that is no string",
      { type: "http.response.start", status: 200, headers: { a: 1 } },
      "ERR_INVALID_HEADER",
    ],
    [
      "a header with a line break",
      { type: "http.response.start", status: 200, headers: { a: "1\r\nb: 2" } },
      "ERR_INVALID_HEADER",
    ],
    ["a body before its start", { type: "http.response.body", body: "early" }, "ERR_PROTOCOL_STATE"],
    ["an event of another protocol", { type: "websocket.accept" }, "ERR_INVALID_EVENT"],
  ])("by sending %s is told so, and answered with 500", async (_, event, code) => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      handling((incoming, connection) => {
        if (incoming.type === "http.request") connection.send(event as never);
      }),
    );
    expect((await fetch(`http://127.0.0.1:${serves.port}/`)).status).toBe(500);
    expect(published.of("millrace:application:error")).toMatchObject([{ error: { code } }]);
  });

  test("by starting twice is told so, and its response is broken off", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(
      handling((incoming, connection) => {
        if (incoming.type !== "http.request") return;
        connection.send({ type: "http.response.start", status: 200 });
        connection.send({ type: "http.response.start", status: 200 });
      }),
    );
    await expect(fetch(`http://127.0.0.1:${serves.port}/`)).rejects.toThrow();
    expect(published.of("millrace:application:error")).toMatchObject([{ error: { code: "ERR_PROTOCOL_STATE" } }]);
  });

  test("to keep to its own length is told so", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving(answering(() => [200, { "content-length": "3" }, "more than three"]));
    await fetch(`http://127.0.0.1:${serves.port}/`)
      .then((response) => response.text())
      .catch(() => {});
    expect(await published.next("millrace:application:error")).toMatchObject({
      error: { code: "ERR_HTTP_CONTENT_LENGTH_MISMATCH" },
    });
  });
});

test("no route is 404 at once, and no error", async () => {
  using published = new Published("millrace:application:error");
  await using serves = await serving(async () => {
    throw new NoRoute("No route matches", []);
  });
  const response = await fetch(`http://127.0.0.1:${serves.port}/`);
  expect([response.status, await response.text()]).toEqual([404, "Not Found\n"]);
  expect(published.entries).toEqual([]);
});

describe("a client that leaves", () => {
  test("aborts the signal of a long poll, and disconnect runs", async () => {
    const log = new Log<string>();
    await using serves = await serving(
      class extends HttpConsumer {
        override async handle(): Promise<void> {
          log.add("waiting");
          if (!this.signal.aborted) await once(this.signal, "abort");
          log.add("aborted");
        }

        override disconnect(): void {
          log.add("disconnect");
        }
      },
    );
    using client = await RawClient.connect(serves.port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await log.find((entry) => entry === "waiting");
    client.reset();
    await log.find((entry) => entry === "disconnect");
    expect(log.entries).toEqual(["waiting", "aborted", "disconnect"]);
  });

  test("while middleware is awaited is never heard of", async () => {
    using published = new Published("millrace:http:response");
    const log = new Log<string>();
    let answer = (): void => {};
    await using serves = await serving(async (connection) => {
      if (connection.scope.type !== "http") return () => {};
      log.add("called");
      await new Promise<void>((resolve) => (answer = resolve));
      return (event) => log.add(event.type);
    });
    using client = await RawClient.connect(serves.port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await log.find((entry) => entry === "called");
    client.reset();
    await published.next("millrace:http:response");
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.entries).toEqual(["called"]);
  });

  test("makes sending do nothing", async () => {
    const results = new Log<boolean>();
    await using serves = await serving(
      handling((event, connection) => {
        if (event.type !== "http.disconnect") return;
        results.add(connection.send({ type: "http.response.start", status: 200 }));
        results.add(connection.send({ type: "http.response.body", body: "late" }));
      }),
    );
    const client = request({ port: serves.port, host: "127.0.0.1" }).on("error", () => {});
    client.end(() => setImmediate(() => client.destroy()));
    await results.find(() => results.entries.length === 2);
    expect(results.entries).toEqual([false, false]);
  });
});

describe("a Node listener", () => {
  test("takes the exchange over and answers by itself; the session ends all the same", async () => {
    const log = new Log<string>();
    await using serves = await serving((connection) => {
      const exchanged = nodeExchange(connection.scope);
      if (exchanged === undefined) return () => {};
      exchanged.takeOver();
      const chunks: Buffer[] = [];
      exchanged.request.on("data", (chunk: Buffer) => chunks.push(chunk));
      exchanged.request.on("end", () => exchanged.response.end(`took ${Buffer.concat(chunks).toString()}`));
      return (event) => log.add(event.type);
    });
    const response = await fetch(`http://127.0.0.1:${serves.port}/`, { method: "POST", body: "it" });
    expect(await response.text()).toBe("took it");
    await log.find((entry) => entry === "http.disconnect");
    expect(log.entries).toEqual(["http.request", "http.disconnect"]);
  });

  test("that throws is answered with 500, and reported", async () => {
    using published = new Published("millrace:application:error");
    await using serves = await serving((connection) => {
      nodeExchange(connection.scope)?.takeOver();
      if (connection.scope.type === "http") throw new Error("broken");
      return () => {};
    });
    expect((await fetch(`http://127.0.0.1:${serves.port}/`)).status).toBe(500);
    expect(published.of("millrace:application:error")).toHaveLength(1);
  });

  test("leaves nothing to send to its application", async () => {
    const log = new Log<unknown>();
    await using serves = await serving((connection) => {
      const exchanged = nodeExchange(connection.scope);
      exchanged?.takeOver();
      try {
        if (exchanged !== undefined) connection.send({ type: "http.response.start", status: 200 });
      } catch (error) {
        log.add((error as { code: unknown }).code);
        exchanged?.response.end();
      }
      return () => {};
    });
    await fetch(`http://127.0.0.1:${serves.port}/`);
    expect(log.entries).toEqual(["ERR_PROTOCOL_STATE"]);
  });
});
