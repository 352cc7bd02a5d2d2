import { describe, expect, test } from "@jest/globals";
import { forwarded, proxyTrust } from "../../src/server/trusted-proxies.ts";

const direct = { client: { address: "10.0.0.1", port: 4000 }, secure: false, rootPath: "/configured" };

/** What a server believes of a request's headers. */
function believed(trustedProxies: unknown, headers: Record<string, string>, address = direct.client.address) {
  const trust = proxyTrust(trustedProxies);
  if (trust === undefined) throw new Error("no such trust");
  return forwarded(headers, { ...direct, client: { address, port: 4000 } }, trust);
}

describe("X-Forwarded-For", () => {
  test("is ignored by default", () => {
    expect(believed(false, { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" })).toEqual(direct);
  });

  test("without proxies in between leaves the peer", () => {
    expect(believed(1, {}).client).toEqual(direct.client);
  });

  test.each([
    ["1.2.3.4", { address: "1.2.3.4", port: 0 }],
    ["1.2.3.4:5678", { address: "1.2.3.4", port: 5678 }],
    ["2001:db8::1", { address: "2001:db8::1", port: 0 }],
    ["[2001:db8::1]:5678", { address: "2001:db8::1", port: 5678 }],
    ["[2001:db8::1]", { address: "2001:db8::1", port: 0 }],
    ["::ffff:1.2.3.4", { address: "1.2.3.4", port: 0 }],
  ])("of %s is taken apart; a port that is not there is 0", (value, client) => {
    expect(believed(1, { "x-forwarded-for": value }).client).toEqual(client);
  });

  test("is read from the right: what a client wrote itself is not believed", () => {
    const headers = { "x-forwarded-for": "6.6.6.6, 1.2.3.4" };
    expect(believed(1, headers).client.address).toBe("1.2.3.4");
    expect(believed(["10.0.0.0/8"], headers).client.address).toBe("1.2.3.4");
  });

  test("passes through as many proxies as are trusted", () => {
    const headers = { "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.3" };
    expect(believed(1, headers).client.address).toBe("10.0.0.3");
    expect(believed(2, headers).client.address).toBe("1.2.3.4");
    expect(believed(9, headers).client.address).toBe("6.6.6.6");
    expect(believed(["10.0.0.0/8"], headers).client.address).toBe("1.2.3.4");
    expect(believed(["10.0.0.1"], headers).client.address).toBe("10.0.0.3");
  });

  test("of a peer that is not trusted is ignored", () => {
    expect(believed(["192.168.0.0/16", "fd00::/8"], { "x-forwarded-for": "1.2.3.4" })).toEqual(direct);
  });

  test("counts for a peer on a Unix socket as soon as any proxy is named", () => {
    expect(believed(["10.0.0.1"], { "x-forwarded-for": "1.2.3.4" }, "").client.address).toBe("1.2.3.4");
  });

  test.each(["unknown", "_hidden", "1.2.3", "1.2.3.4, garbage"])("of %s stops at what is no address", (value) => {
    expect(believed(1, { "x-forwarded-for": value }).client).toEqual(direct.client);
  });
});

describe("the scheme and the root path", () => {
  test.each([
    ["https", true],
    ["WSS", true],
    ["http", false],
    ["ftp", false],
  ])("come from a trusted proxy: %s", (scheme, secure) => {
    expect(believed(1, { "x-forwarded-proto": scheme }).secure).toBe(secure);
  });

  test("are those that the last trusted proxy wrote", () => {
    const headers = { "x-forwarded-for": "6.6.6.6, 1.2.3.4", "x-forwarded-proto": "http, https" };
    expect(believed(1, headers).secure).toBe(true);
    expect(believed(2, headers).secure).toBe(false);
  });

  test.each([
    ["/app", "/app"],
    ["/app/", "/app"],
    ["/", ""],
    ["app", "/configured"],
    ["/a b", "/configured"],
  ])("come without a slash at the end: %s", (prefix, rootPath) => {
    expect(believed(1, { "x-forwarded-prefix": prefix }).rootPath).toBe(rootPath);
  });
});

test.each([true, 0, -1, 1.5, "10.0.0.1", ["10.0.0.256"], ["10.0.0.0/33"], ["::/129"], ["10.0.0.0/x"], [7], {}])(
  "%j is no trust",
  (option) => {
    expect(proxyTrust(option)).toBeUndefined();
  },
);
