import { describe, expect, test } from "@jest/globals";
import { isMillraceError, path, URLRouter } from "millrace";
import { caught } from "../support/caught.ts";
import { land, landing } from "../support/landing.ts";

function params(pattern: string, rawPath: string): unknown {
  return land(URLRouter([path(pattern, landing("x"))]), rawPath).params;
}

function matches(pattern: string, rawPath: string): boolean {
  try {
    params(pattern, rawPath);
    return true;
  } catch (error) {
    if (isMillraceError(error, "ERR_NO_ROUTE")) return false;
    throw error;
  }
}

describe("A path pattern", () => {
  test.each([
    ["/x1/", "/x1/", true],
    ["x1/", "/x1/", true],
    ["/x1/", "x1/", true],
    ["/x1/", "/x1", false],
    ["/x1", "/x1/", false],
    ["/x1/", "/X1/", false],
    ["/x1/", "//x1/", false],
    ["//x1/", "//x1/", true],
    ["/x1/", "/x1//", false],
    ["/x1/", "/x1/y", false],
    ["/a.b/", "/aXb/", false],
    ["/:room/", "//", false],
    ["/files/*rest", "/files/", false],
    ["/{*rest}", "/", true],
    ["{/:locale}/about", "/about", true],
    ["{/:locale}/about", "/en/about", true],
    ["{/:locale}/about", "/enabout", false],
  ])("%s compared with %s gives %p", (pattern, rawPath, expected) => {
    expect(matches(pattern, rawPath)).toBe(expected);
  });

  test.each([
    ["/ws/chat/:room/", "/ws/chat/lobby/", { room: "lobby" }],
    ["/:a/:b", "/1/2", { a: "1", b: "2" }],
    ["/:a-:b.:c/", "/x-y.z/", { a: "x", b: "y", c: "z" }],
    ["/x{/:id}", "/x", {}],
    ["/x{/:id}", "/x/7", { id: "7" }],
    ["/files/*rest", "/files/a/b/c", { rest: ["a", "b", "c"] }],
    ["/files/*rest", "/files/a", { rest: ["a"] }],
    ["/*front/end", "/a/b/end", { front: ["a", "b"] }],
    ['/:"a b"/', "/x/", { "a b": "x" }],
    ["/:房间/", "/x/", { 房间: "x" }],
  ])("%s captures from %s", (pattern, rawPath, expected) => {
    expect(params(pattern, rawPath)).toEqual(expected);
  });

  test.each([
    ["/聊天/:room/", "/%E8%81%8A%E5%A4%A9/%E6%B0%B4/", { room: "水" }],
    ["/聊天/:room/", "/聊天/水/", { room: "水" }],
    ["/聊天/:room/", "/%e8%81%8a%E5%A4%A9/x/", { room: "x" }],
    ["/%E8%81%8A%E5%A4%A9/:room/", "/聊天/x/", { room: "x" }],
    ["/@user/", "/@user/", {}],
    ["/@user/", "/%40user/", {}],
    ["/a b/", "/a%20b/", {}],
    ["/a\\:b/", "/a:b/", {}],
    ["/:room/", "/a%2Fb/", { room: "a/b" }],
    ["/:room/", "/%252F/", { room: "%2F" }],
    ["/:room/", "/100%25/", { room: "100%" }],
    ["/:room/", "/a+b/", { room: "a+b" }],
    ["/*rest", "/a%2Fb/c", { rest: ["a/b", "c"] }],
    ["/:a@:b", "/x%40y", { a: "x", b: "y" }],
    ["/:room/", "/%F0%9F%90%AF/", { room: "🐯" }],
  ])("%s compares decoded with %s, and captures decoded once", (pattern, rawPath, expected) => {
    expect(params(pattern, rawPath)).toEqual(expected);
  });

  test("never finds a literal inside of an encoded character", () => {
    expect(matches('/:"a"4{:b}', "/%40")).toBe(false);
  });

  test.each(["/%", "/%zz/", "/%E8/", "/%C3%28", "/a/%ff"])("lets the malformed path %s be refused", (rawPath) => {
    expect(caught(() => params("/:any", rawPath))).toMatchObject({ code: "ERR_INVALID_PATH" });
  });

  test("may capture under names that objects have of their own", () => {
    const found = land(URLRouter([path("/:__proto__/:constructor/:toString", landing("x"))]), "/a/b/c").params;
    expect(Object.entries(found)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["toString", "c"],
    ]);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });

  test("gives nothing under a name that it did not capture, whatever the name", () => {
    const found = land(URLRouter([path("/x{/:constructor}", landing("x"))]), "/x").params;
    expect(found["constructor"]).toBeUndefined();
    expect(found["__proto__"]).toBeUndefined();
  });
});

describe("path refuses", () => {
  test.each([
    ["/:id?", "Put an optional part in braces: {/:id} instead of /:id?"],
    ["/(\\d+)", "Use rePath for a regular expression"],
    ["/[ab]", "Use rePath for a regular expression"],
    ["/a+", "Use rePath for a regular expression"],
    ["^x1/$", "Use rePath for a regular expression"],
    ["/files/*", "a wildcard is *name"],
    ["/time/12:30", "put a backslash before a colon"],
    ["ws://example.org/x", "put a backslash before a colon"],
    ["/:a:b", "Put a slash or other text between two parameters"],
    ["/x{/:id", "can't be read: Unexpected end"],
    ["/x}", "can't be read: Unexpected }"],
    ["/ws/chat/<str:room>/", "Write :room for <str:room>"],
    ["/ws/chat/<room>/", "Write :room for <room>"],
    ["/100%/", "Write %25 for a percent sign"],
    ["/:a/:a", "The parameter a appears twice"],
    ["{/a}{/b}{/c}{/d}{/e}{/f}{/g}{/h}{/i}", "Too many path combinations"],
  ])("the pattern %s, and says what was meant", (pattern, sentence) => {
    const error = caught(() => path(pattern, landing("x")));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain(sentence);
  });

  test.each([
    [/^x1\/$/, "Use rePath for a regular expression"],
    [undefined, "That is no path pattern; got undefined"],
    [["/x"], "That is no path pattern; got an array of 1"],
  ])("%p in a pattern's place", (pattern, sentence) => {
    const error = caught(() => path(pattern as never, landing("x")));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain(sentence);
  });
});
