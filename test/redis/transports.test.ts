import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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
  let folder: string;
  let certificate: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-tls-"));
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
    ];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    await promisify(execFile)("openssl", [...request, ...subject, "-keyout", "key.pem", "-out", "cert.pem"], {
      cwd: folder,
    });
    certificate = await readFile(join(folder, "cert.pem"), "utf8");
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function startSecured(): Promise<RedisServer> {
    return RedisServer.start({
      tls: { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem"), trusted: certificate },
    });
  }

  test("reaches a server whose certificate is trusted", async () => {
    await using server = await startSecured();
    const host = { host: "localhost", port: server.port, tls: { ca: certificate } };
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
    await using server = await startSecured();
    await using link = makeLink(`rediss://localhost:${server.port}`);
    expect(await rejection(link.connect())).toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringContaining("self-signed certificate"),
    });
  });
});
