import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type Application, isMillraceError, nodeListener, path, ProtocolTypeRouter, URLRouter } from "millrace";
import { nodeExchangeSymbol } from "../../src/protocol/node-exchange.ts";
import { caught } from "../support/caught.ts";
import { socket } from "../support/landing.ts";
import { httpScope, RecordingConnection } from "../support/recording-connection.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** What an application made of one request. */
interface Outcome {
  readonly settled: Promise<void>;
  readonly taken: boolean;
}

/** Serves an application by handing it the first event, as far as a listener needs it. */
async function listen(application: Application, seen: (outcome: Outcome) => void = () => {}): Promise<number> {
  const server = createServer((incoming, response) => void exchange(application, incoming, response).then(seen));
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address of this form.
  return (server.address() as AddressInfo).port;
}

async function exchange(
  application: Application,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Outcome> {
  let taken = false;
  const takeOver = (): void => {
    taken = true;
  };
  const node = { request: incoming, response, takeOver };
  const scope = { ...httpScope(incoming.url ?? "/"), [nodeExchangeSymbol]: node };
  const receive = await application(new RecordingConnection(scope));
  const settled = Promise.resolve(receive({ type: "http.request", body: new Uint8Array(), moreBody: false }));
  settled.catch(() => response.writeHead(500).end());
  return { settled, taken };
}

async function ask(port: number, method: string, target: string, body = ""): Promise<string> {
  const asked = request({ port, host: "127.0.0.1", method, path: target });
  asked.end(body);
  // The event carries the response.
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = `${response.statusCode ?? 0} `;
  for await (const chunk of response) text += String(chunk);
  return text;
}

describe("nodeListener", () => {
  test("hands a listener Node's own request and response", async () => {
    let outcome: Outcome | undefined;
    const application = nodeListener(({ method, url }, response) => response.end(`${method} ${url}`));
    const port = await listen(ProtocolTypeRouter({ http: application }), (seen) => (outcome = seen));
    expect(await ask(port, "GET", "/a/b?c=d")).toBe("200 GET /a/b?c=d");
    expect(outcome?.taken).toBe(true);
  });

  test("leaves the whole body to it", async () => {
    const application = nodeListener(async (incoming, response) => {
      let text = "";
      for await (const chunk of incoming) text += String(chunk);
      response.end(`got ${text.length}`);
    });
    expect(await ask(await listen(application), "POST", "/", "x".repeat(300_000))).toBe("200 got 300000");
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("mine"))],
  ])("lets the event fail when the listener %s", async (_how, listener) => {
    let outcome: Outcome | undefined;
    const port = await listen(nodeListener(listener), (seen) => (outcome = seen));
    expect(await ask(port, "GET", "/")).toBe("500 ");
    await expect(outcome?.settled).rejects.toThrow("mine");
  });

  test("stands at the end of a route, and is not called for a path that goes on", async () => {
    const application = URLRouter([
      path(
        "/a",
        nodeListener((_incoming, response) => response.end("a")),
      ),
      path(
        "/api{/*rest}",
        nodeListener((_incoming, response) => response.end("api")),
      ),
      path(
        "{*rest}",
        nodeListener((_incoming, response) => response.end("other")),
      ),
    ]);
    const port = await listen(application);
    expect(await ask(port, "GET", "/a")).toBe("200 a");
    expect(await ask(port, "GET", "/a/b")).toBe("200 other");
    expect(await ask(port, "GET", "/api/x/y")).toBe("200 api");
    expect(await ask(port, "GET", "/")).toBe("200 other");
  });

  test("runs the listener once, and not for a client that has left", async () => {
    let runs = 0;
    const application = nodeListener(() => runs++);
    const node = { request: {}, response: {}, takeOver: () => {} };
    const scope = { ...httpScope("/"), [nodeExchangeSymbol]: node };
    const left = await application(new RecordingConnection(scope));
    await left({ type: "http.disconnect" });
    expect(runs).toBe(0);
    const stayed = await application(new RecordingConnection(scope));
    await stayed({ type: "http.request", body: new Uint8Array(), moreBody: true });
    await stayed({ type: "http.request", body: new Uint8Array(), moreBody: false });
    await stayed({ type: "http.disconnect" });
    expect(runs).toBe(1);
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
