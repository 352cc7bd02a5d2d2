import { describe, expect, test } from "@jest/globals";
import { isMillraceError, path, rePath, URLRouter } from "millrace";
import { caught } from "../support/caught.ts";
import { land, landing } from "../support/landing.ts";

function found(expression: RegExp, rawPath: string): unknown {
  const { params, args } = land(URLRouter([rePath(expression, landing("x"))]), rawPath);
  return { params, args };
}

/** What an inner router is left with. */
function rest(expression: RegExp, rawPath: string): unknown {
  return land(URLRouter([rePath(expression, URLRouter([path("{*rest}", landing("rest"))]))]), rawPath).params["rest"];
}

describe("A regular expression", () => {
  test.each([/^x1\/$/, /^\/x1\/$/, /x1/, /1\/$/])(
    "%p is found in /x1/, with its first slash or without",
    (expression) => {
      expect(found(expression, "/x1/")).toEqual({ params: {}, args: [] });
    },
  );

  test.each([/^x1$/, /^X1\/$/, /^\/\/x1/])("%p is not", (expression) => {
    expect(() => found(expression, "/x1/")).toThrow("No route");
  });

  test("is searched for anywhere in the path, unless it has anchors", () => {
    expect(found(/bar/, "/foo/bar/baz/")).toEqual({ params: {}, args: [] });
  });

  test.each(["g", "y", "gy"])("finds every connection's path, in spite of the flag %s", (flags) => {
    const router = URLRouter([rePath(new RegExp("^x1/$", flags), landing("x"))]);
    expect(Array.from({ length: 3 }, () => land(router, "/x1/").name)).toEqual(["x", "x", "x"]);
  });

  test("keeps its other flags", () => {
    expect(found(/^X1\/$/i, "/x1/")).toEqual({ params: {}, args: [] });
    expect(found(/^(.)$/u, "/%F0%9F%90%AF")).toEqual({ params: {}, args: ["🐯"] });
  });

  test("gives its named groups, and then not the others", () => {
    expect(found(/^(\w+)\/(?<id>\d+)$/, "/a/7")).toEqual({ params: { id: "7" }, args: [] });
  });

  test("leaves out a named group that took no part", () => {
    expect(found(/^(?<a>a)?(?<b>b)?$/, "/b")).toEqual({ params: { b: "b" }, args: [] });
  });

  test("gives the others by position, empty where one took no part", () => {
    expect(found(/^(a)?(b)?(c)$/, "/bc")).toEqual({ params: {}, args: ["", "b", "c"] });
  });

  test("is compared with the decoded path", () => {
    expect(found(/^聊天\/(.*)$/, "/%E8%81%8A%E5%A4%A9/%E6%B0%B4%20%252F")).toEqual({ params: {}, args: ["水 %2F"] });
    expect(found(/^(\w+)\/(\w+)$/, "/a%2Fb")).toEqual({ params: {}, args: ["a", "b"] });
  });

  test("may name a group as objects name their own", () => {
    const { params } = land(URLRouter([rePath(/^(?<__proto__>\w+)$/, landing("x"))]), "/a");
    expect(Object.entries(params)).toEqual([["__proto__", "a"]]);
  });

  test.each<[RegExp, string, unknown]>([
    [/^a\//, "/a/b/c", ["b", "c"]],
    [/^a/, "/a/b", ["b"]],
    [/^\/a/, "/a/b", ["b"]],
    [/^a/, "/ab", ["b"]],
    [/^a\/b$/, "/a/b", undefined],
    [/^/, "/a", ["a"]],
    [/^聊天/, "/%E8%81%8A%E5%A4%A9/%E6%B0%B4", ["水"]],
    [/^🐯/, "/%F0%9F%90%AF%F0%9F%90%AF", ["🐯"]],
    [/^a\//, "/a%2Fb%2Fc", ["b/c"]],
    [/^é/, "/%C3%A9x", ["x"]],
  ])("%p in %s leaves an inner router the rest, as it was encoded", (expression, rawPath, expected) => {
    expect(rest(expression, rawPath)).toEqual(expected);
  });

  test("does not match where its end would cut a character", () => {
    expect(() => rest(/^\ud83d/, "/%F0%9F%90%AF")).toThrow("No route");
  });

  test("takes a function for an end, wherever its match ends", () => {
    expect(land(URLRouter([rePath(/^bar/, landing("bar"))]), "/bar/baz/").name).toBe("bar");
  });

  test.each(["^x1/$", undefined, {}])("can't be %p", (expression) => {
    const error = caught(() => rePath(expression as never, landing("x")));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain("That is no regular expression");
  });
});
