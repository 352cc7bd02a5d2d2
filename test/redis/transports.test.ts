import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Certificate } from "../support/certificate.ts";
import { RedisServer } from "../support/redis-server.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";
import { Listener, makeLink, rejection } from "./support.ts";

noUnhandledRejections();

describe("a Unix socket", () => {
  test.each([(path: string) => path, (path: string) => `unix://${path}?db=2`, (path: string) => ({ path })])(
    "is a way to Redis (%#)",
    async (host) => {
      await using server = await RedisServer.start();
      await using link = makeLink(host(server.socket));
      await using listener = new Listener(host(server.socket));
      await listener.subscriber.subscribe("a");
      await link.call("PUBLISH", "a", "hello");
      await listener.heard(1);

      expect(String(await link.call("CLIENT", "INFO"))).toContain(server.socket);
    },
  );
});

test("a database is its own", async () => {
  await using server = await RedisServer.start();
  await using first = makeLink(`${server.url}/1`);
  await using second = makeLink({ host: server.host, port: server.port, db: 2 });
  await first.call("SET", "key", 1);

  expect(await second.call("GET", "key")).toBeNull();
});

describe("TLS", () => {
  let certificate: Certificate;
  beforeAll(async () => {
    certificate = await Certificate.make();
  });
  afterAll(() => certificate[Symbol.asyncDispose]());

  test("reaches a server whose certificate is trusted", async () => {
    await using server = await RedisServer.start({ tls: certificate.server });
    const host = { host: "localhost", port: server.port, tls: { ca: certificate.trusted } };
    await using link = makeLink(host);
    await using listener = new Listener(host);
    await listener.subscriber.subscribe("a");
    await link.call("PUBLISH", "a", "hello");
    await listener.heard(1);

    expect(link.address).toBe(`rediss://localhost:${server.port}`);
    await server.restart();
    await listener.recovered();
  });

  test("refuses a server whose certificate is not", async () => {
    await using server = await RedisServer.start({ tls: certificate.server });
    await using link = makeLink(`rediss://localhost:${server.port}`);
    expect(await rejection(link.connect())).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringContaining("self-signed certificate"),
    });
  });
});
