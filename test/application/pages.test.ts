import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type MillraceServer, serve } from "millrace/server";
import { application } from "../../routing/routing.ts";
import { RawClient } from "./raw-client.ts";

let server: MillraceServer;

beforeAll(async () => {
  process.env["BY_HAND_PORT"] = "0";
  server = await serve(application, { port: 0 });
});
afterAll(() => server.close());

describe("the pages", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/lesson/", "text/html; charset=utf-8"],
    ["/chat/mill%20pond/", "text/html; charset=utf-8"],
    ["/style.css", "text/css; charset=utf-8"],
    ["/socket.js", "text/javascript; charset=utf-8"],
    ["/lesson/tally.js?v=1", "text/javascript; charset=utf-8"],
    ["/favicon.svg", "image/svg+xml"],
    ["/source/many-to-many.ts", "text/plain; charset=utf-8"],
  ])("%s is %s", async (path, type) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(Number(response.headers.get("content-length"))).toBe((await response.arrayBuffer()).byteLength);
  });

  test("of all rooms are one page", async () => {
    const [one, other] = await Promise.all(["/chat/a/", "/chat/%E5%AE%A2%E5%8E%85/"].map((path) => read(path)));
    expect(other).toBe(one);
  });

  test("allow nothing inline and nothing from elsewhere", async () => {
    for (const path of ["/", "/lesson/", "/chat/a/", "/no/such/page"]) {
      const response = await fetch(server.url + path);
      const policy = response.headers.get("content-security-policy");
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
      expect(policy).not.toContain("unsafe");
      expect(await response.text()).not.toMatch(
        /<script(?![^>]* src="\/)|<style|\son\w+=|\sstyle=|(?:src|href)="(?!\/)/,
      );
    }
  });

  test("of the lesson alone may also talk to the program beside the application", async () => {
    const policyOf = async (path: string): Promise<string> =>
      (await fetch(server.url + path)).headers.get("content-security-policy") ?? "";
    expect(await policyOf("/lesson/")).toContain("connect-src 'self' ws://127.0.0.1:*;");
    expect(await policyOf("/")).toContain("connect-src 'self';");
  });

  test("put no host into their policy that is none", async () => {
    const answer = await raw("GET /lesson/ HTTP/1.1\r\nhost: a; script-src *\r\nconnection: close\r\n\r\n");
    expect(answer).toContain("connect-src 'self';");
    expect(answer).not.toContain("script-src *");
  });

  test("are sent again only when they have changed", async () => {
    const first = await fetch(`${server.url}/style.css`);
    await first.arrayBuffer();
    expect(first.headers.get("cache-control")).toBe("no-cache");
    const etag = first.headers.get("etag") ?? "";
    // By hand: fetch keeps 304 to itself.
    const status = await new Promise((resolve, reject) => {
      request(`${server.url}/style.css`, { headers: { "if-none-match": etag } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(304);
  });

  test("answer HEAD with the headers alone", async () => {
    const [head, get] = await Promise.all(["HEAD", "GET"].map((method) => fetch(`${server.url}/`, { method })));
    expect(await head?.text()).toBe("");
    for (const name of ["content-type", "content-length", "etag"]) {
      expect(head?.headers.get(name)).toBe(get?.headers.get(name));
    }
    await get?.arrayBuffer();
  });

  test("refuse other methods with 405", async () => {
    const response = await fetch(`${server.url}/`, { method: "POST", body: "x" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    await response.text();
  });

  test.each([
    ["/lesson", "/lesson/"],
    ["/chat/a", "/chat/a/"],
  ])("send %s to %s", async (path, to) => {
    const response = await fetch(server.url + path, { redirect: "manual" });
    expect(response.status).toBe(308);
    expect(response.headers.get("location")).toBe(to);
    await response.text();
  });

  test.each([
    "/nothing",
    "/index.html",
    "/chat/",
    "/chat/a/b/",
    "/../package.json",
    "/../public/style.css",
    "/lesson/../../package.json",
    "/%2e%2e/package.json",
    "/..%2fpackage.json",
    "/..%5cpackage.json",
    "/source/../routing/routing.ts",
    "/source/%2e%2e/routing/routing.ts",
    "//etc/passwd",
    "/style.css%00",
    "/constructor",
    "/__proto__",
  ])("have nothing at %s, and say so on a page", async (path) => {
    // By hand: fetch would tidy the path up.
    const answer = await raw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain("There is nothing here");
  });

  test("are asked for only by paths that can be read", async () => {
    const answer = await raw("GET /%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

async function read(path: string): Promise<string> {
  return (await fetch(server.url + path)).text();
}

/** Writes a request as it is, and reads until the server ends the connection. */
async function raw(bytes: string): Promise<string> {
  const client = await RawClient.open(server.address.port);
  await client.write(bytes);
  return client.readAll();
}
