import { describe, expect, test } from "@jest/globals";
import { parseSubprotocols } from "../../src/server/subprotocols.ts";
import { forwarded } from "../../src/server/trusted-proxies.ts";

/** Longer than Node lets a header be, so that work that grows with the square of it takes seconds. */
const length = 200_000;

function millisecondsFor(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

describe("a header that a stranger made long takes time in proportion to its length:", () => {
  test("white space within a subprotocol", () => {
    const header = `a${" ".repeat(length)}b`;
    expect(millisecondsFor(() => expect(parseSubprotocols(header)).toBeUndefined())).toBeLessThan(5000);
  });

  test("slashes within a prefix, which a proxy may pass on", () => {
    const direct = { client: { address: "10.0.0.1", port: 4000 }, secure: false, rootPath: "" };
    const prefix = `${"/".repeat(length)}a`;
    const read = (): unknown => forwarded({ "x-forwarded-prefix": prefix }, direct, (_, hop) => hop < 1).rootPath;
    expect(millisecondsFor(() => expect(read()).toBe(prefix))).toBeLessThan(5000);
  });
});
