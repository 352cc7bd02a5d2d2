import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { parseRequestTarget } from "../../src/protocol/request-target.ts";
import { caught } from "../support/caught.ts";

describe("a request's target", () => {
  test.each([
    ["/", { path: "/", rawPath: "/", queryString: "" }],
    ["/ws/chat/lobby/", { path: "/ws/chat/lobby/", rawPath: "/ws/chat/lobby/", queryString: "" }],
    ["/a?b=c", { path: "/a", rawPath: "/a", queryString: "b=c" }],
    ["/a?", { path: "/a", rawPath: "/a", queryString: "" }],
    ["/a?b=?&c=/d", { path: "/a", rawPath: "/a", queryString: "b=?&c=/d" }],
    ["?b=c", { path: "/", rawPath: "/", queryString: "b=c" }],
    ["", { path: "/", rawPath: "/", queryString: "" }],
    ["*", { path: "*", rawPath: "*", queryString: "" }],
    ["//a//b", { path: "//a//b", rawPath: "//a//b", queryString: "" }],
    ["/a%20b?c=%20", { path: "/a b", rawPath: "/a%20b", queryString: "c=%20" }],
    ["/%E6%94%B6/%2e%2e", { path: "/收/..", rawPath: "/%E6%94%B6/%2e%2e", queryString: "" }],
    ["/a%2Fb", { path: "/a/b", rawPath: "/a%2Fb", queryString: "" }],
    ["/100%25", { path: "/100%", rawPath: "/100%25", queryString: "" }],
    ["/a#frag?b", { path: "/a", rawPath: "/a", queryString: "" }],
    ["/a?b#frag", { path: "/a", rawPath: "/a", queryString: "b" }],
    ["http://example.org/a?b", { path: "/a", rawPath: "/a", queryString: "b" }],
    ["wss://user:pass@example.org:8443/a/", { path: "/a/", rawPath: "/a/", queryString: "" }],
    ["HTTP://example.org", { path: "/", rawPath: "/", queryString: "" }],
    ["http://example.org?b", { path: "/", rawPath: "/", queryString: "b" }],
    [
      "/to/http://example.org/",
      { path: "/to/http://example.org/", rawPath: "/to/http://example.org/", queryString: "" },
    ],
    ["/a?to=http://example.org/b", { path: "/a", rawPath: "/a", queryString: "to=http://example.org/b" }],
  ])("%s is taken apart", (target, parts) => {
    expect(parseRequestTarget(target)).toEqual(parts);
  });

  test.each(["/%", "/%a", "/%zz", "/%ff", "/%c3", "/ok/%E6%94"])("%s is refused, and shown", (target) => {
    expect(caught(() => parseRequestTarget(target))).toMatchObject({
      code: "ERR_INVALID_PATH",
      message: expect.stringContaining(target),
    });
  });

  test("a malformed percent sign in the query is the query's affair", () => {
    expect(parseRequestTarget("/a?b=%")).toEqual({ path: "/a", rawPath: "/a", queryString: "b=%" });
  });

  test("gives back every path that was encoded", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }), fc.string(), (segments, value) => {
        const rawPath = `/${segments.map(encodeURIComponent).join("/")}`;
        const queryString = `q=${encodeURIComponent(value)}`;

        expect(parseRequestTarget(`${rawPath}?${queryString}`)).toEqual({
          path: `/${segments.join("/")}`,
          rawPath,
          queryString,
        });
      }),
    );
  });
});
