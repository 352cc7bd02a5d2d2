import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { HttpConsumer, ProtocolTypeRouter } from "millrace";
import { maxQueuedRequests } from "../../src/server/queued-responses.ts";
import { handshake, RawClient } from "./support/raw-client.ts";
import { accepting, Log, Published, serving } from "./support/serving.ts";

const log = new Log<string>();

/** Answers at once what is not to be held; the held ones are given up when the client leaves. */
class HoldingConsumer extends HttpConsumer {
  override async handle(): Promise<void> {
    const { path } = this.scope;
    log.add(`handle ${path}`);
    if (path.startsWith("/held")) await once(this.signal, "abort");
    else if (path.startsWith("/long")) await this.#sendMuch();
    else this.sendResponse(200, path);
  }

  override disconnect(): void {
    log.add(`disconnect ${this.scope.path}`);
  }

  async #sendMuch(): Promise<void> {
    this.sendHeaders();
    while (this.sendBody("x".repeat(65_536), { moreBody: true }));
    await this.drained();
    log.add("drained");
  }
}

const pagesAndSockets = ProtocolTypeRouter({ http: HoldingConsumer, websocket: accepting() });

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe("requests that a client sends before the first is answered", () => {
  test("all end when the client leaves, those too whose turn had not come", async () => {
    await using serves = await serving(HoldingConsumer);
    using client = await RawClient.connect(serves.port);
    const paths = ["/held/1", "/quick", "/held/2", "/long"];
    client.write(paths.map(get).join(""));
    for (const path of paths) await log.find((entry) => entry === `handle ${path}`);
    client.reset();
    for (const path of paths) await log.find((entry) => entry === `disconnect ${path}`);
    await log.find((entry) => entry === "drained");
    expect(serves.server.connections).toBe(0);
  });

  test("are answered in their order, and end once each", async () => {
    log.entries.length = 0;
    await using serves = await serving(HoldingConsumer);
    using client = await RawClient.connect(serves.port);
    const paths = Array.from({ length: 20 }, (_, at) => `/${at}`);
    client.write(paths.map(get).join(""));
    await log.find((entry) => entry === "disconnect /19");
    client.reset();
    await serves.server.close();
    expect(log.entries.filter((entry) => entry.startsWith("disconnect"))).toEqual(
      paths.map((path) => `disconnect ${path}`),
    );
  });

  test("are too many when a hundred wait: the connection is cut, and none is left", async () => {
    log.entries.length = 0;
    await using serves = await serving(HoldingConsumer);
    using client = await RawClient.connect(serves.port);
    client.write(get("/held").repeat(1 + maxQueuedRequests));
    await log.find(() => log.entries.length === 1 + maxQueuedRequests);
    client.write(get("/held").repeat(1000));
    await client.ended;
    await log.find(() => log.entries.filter((entry) => entry === "disconnect /held").length === 1 + maxQueuedRequests);
    expect(log.entries).toHaveLength(2 * (1 + maxQueuedRequests));
    expect(serves.server.connections).toBe(0);
  });

  test("are cut in time when what waits for the first has filled the buffer: the client could leave unseen", async () => {
    log.entries.length = 0;
    await using serves = await serving(HoldingConsumer, { pausedTimeout: 20 });
    using client = await RawClient.connect(serves.port);
    client.write(get("/held") + get("/long"));
    await log.find((entry) => entry === "handle /long");
    client.write(get("/quick"));
    await log.find((entry) => entry === "handle /quick");
    client.reset();
    for (const path of ["/held", "/long", "/quick"]) await log.find((entry) => entry === `disconnect ${path}`);
    await log.find((entry) => entry === "drained");
    expect(serves.server.connections).toBe(0);
  });

  test("leave no room for a handshake among them: a late response would tear its frames", async () => {
    log.entries.length = 0;
    using published = new Published("millrace:websocket:refused");
    await using serves = await serving(pagesAndSockets);
    using client = await RawClient.connect(serves.port);
    client.write(get("/held") + handshake());
    expect((await client.rest()).toString()).toBe("");
    expect(await published.next("millrace:websocket:refused")).toMatchObject({ status: 0 });
    await log.find((entry) => entry === "disconnect /held");
  });

  test("do not hinder a handshake that waits for their responses", async () => {
    await using serves = await serving(pagesAndSockets);
    using client = await RawClient.connect(serves.port);
    client.write(get("/quick"));
    expect((await client.head()).status).toBe(200);
    await client.take("/quick".length);
    client.write(handshake());
    expect((await client.head()).status).toBe(101);
  });
});
