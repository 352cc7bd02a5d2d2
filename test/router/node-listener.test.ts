import { afterEach, describe, expect, test } from "@jest/globals";
import { type Application, isMillraceError, nodeListener, path, ProtocolTypeRouter, URLRouter } from "millrace";
import { type MillraceServer, serve } from "millrace/server";
import { nodeExchangeSymbol } from "../../src/protocol/node-exchange.ts";
import { caught } from "../support/caught.ts";
import { slowMiddleware, socket } from "../support/landing.ts";
import { httpScope, RecordingConnection } from "../support/recording-connection.ts";

const servers: MillraceServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** The answer of an application to one request, on a real server. */
async function answer(application: Application, target: string, body?: string): Promise<string> {
  const server = await serve(ProtocolTypeRouter({ http: application }), { port: 0 });
  servers.push(server);
  const response = await fetch(server.url + target, body === undefined ? {} : { method: "POST", body });
  return `${response.status} ${await response.text()}`;
}

describe("nodeListener", () => {
  const echo = nodeListener(async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += (chunk as Uint8Array).length;
    response.end(`${request.method ?? ""} ${request.url ?? ""} ${length}`);
  });

  test("hands a listener Node's own request and response", async () => {
    expect(await answer(echo, "/a/b?c=d")).toBe("200 GET /a/b?c=d 0");
  });

  test("gives it the body whole", async () => {
    expect(await answer(echo, "/", "x".repeat(300_000))).toBe("200 POST / 300000");
  });

  test("gives it the body whole behind a middleware that takes its time", async () => {
    const router = URLRouter([path("/a/", slowMiddleware(URLRouter([path("/b", echo)])))]);
    expect(await answer(router, "/a/b", "x".repeat(300_000))).toBe("200 POST /a/b 300000");
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("mine"))],
  ])("is answered for with 500 when the listener %s", async (_how, listener) => {
    expect(await answer(nodeListener(listener), "/")).toMatch(/^500 /);
  });

  test.each([
    ["/a", "200 a"],
    ["/a/b", "200 other"],
    ["/api/x/y", "200 api"],
    ["/", "200 other"],
  ])("stands at the end of a route, and is not called for a path that goes on: %s", async (target, expected) => {
    const router = URLRouter([
      path(
        "/a",
        nodeListener((_request, response) => response.end("a")),
      ),
      path(
        "/api{/*rest}",
        nodeListener((_request, response) => response.end("api")),
      ),
      path(
        "{*rest}",
        nodeListener((_request, response) => response.end("other")),
      ),
    ]);
    expect(await answer(router, target)).toBe(expected);
  });

  test("takes the exchange over when it is called, and runs the listener once, with the first event", async () => {
    const told: string[] = [];
    const node = { request: {}, response: {}, takeOver: () => void told.push("taken over") };
    const scope = { ...httpScope("/"), [nodeExchangeSymbol]: node };
    const receive = await nodeListener(() => told.push("run"))(new RecordingConnection(scope));
    expect(told).toEqual(["taken over"]);
    await receive({ type: "http.request", body: new Uint8Array(), moreBody: false });
    await receive({ type: "http.request", body: new Uint8Array(), moreBody: false });
    await receive({ type: "http.disconnect" });
    expect(told).toEqual(["taken over", "run"]);
  });

  test("lets the event fail with what the listener threw", async () => {
    const error = new Error("mine");
    const node = { request: {}, response: {}, takeOver: () => {} };
    const scope = { ...httpScope("/"), [nodeExchangeSymbol]: node };
    const receive = await nodeListener(() => {
      throw error;
    })(new RecordingConnection(scope));
    await expect(receive({ type: "http.request", body: new Uint8Array(), moreBody: false })).rejects.toBe(error);
  });

  test.each([
    ["a communicator's request", new RecordingConnection(httpScope("/"))],
    ["a websocket", socket("/")],
  ])("says what it needs when it is given %s", (_what, connection) => {
    const error = caught(() => nodeListener(() => {})(connection));
    expect(isMillraceError(error, "ERR_WRONG_PROTOCOL")).toBe(true);
    expect(String(error)).toContain("needs Node's own request and response");
  });

  test.each([undefined, {}, "express"])("refuses %p", (listener) => {
    const error = caught(() => nodeListener(listener as never));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
  });
});
