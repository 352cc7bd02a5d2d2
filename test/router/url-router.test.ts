import { describe, expect, test } from "@jest/globals";
import { isMillraceError, path, rePath, type Route, URLRouter, WebsocketConsumer } from "millrace";
import { caught } from "../support/caught.ts";
import { land, landing, socket } from "../support/landing.ts";
import { RecordingConnection } from "../support/recording-connection.ts";

const router = URLRouter([
  path("", landing("empty")),
  rePath(/^foo\/$/, landing("foo")),
  rePath(/^bar/, landing("bar")),
  rePath(/^hello\/(\w+)\/$/, landing("args")),
  rePath(/^hellokw\/(?<name>\w+)\/$/, landing("names")),
  path("/defaults/:slug/", landing("defaults"), { params: { slug: "always", extra: "given" } }),
  path("/typed/:name/", landing("typed")),
]);

describe("A URLRouter", () => {
  test.each(["", "/"])("takes the empty path %j to the empty pattern", (rawPath) => {
    expect(land(router, rawPath).name).toBe("empty");
  });

  test("takes the empty path to the pattern that is one slash", () => {
    const root = URLRouter([path("/", landing("root"))]);
    expect([land(root, "").name, land(root, "/").name]).toEqual(["root", "root"]);
  });

  test("takes a path to the first route that matches", () => {
    const first = URLRouter([path("/:any/", landing("first")), path("/x/", landing("second"))]);
    expect(land(first, "/x/").name).toBe("first");
  });

  test("gives what was captured by position in scope.args", () => {
    expect(land(router, "/hello/world/")).toMatchObject({ name: "args", params: {}, args: ["world"] });
  });

  test("gives what was captured by name in scope.params", () => {
    expect(land(router, "/hellokw/world/")).toMatchObject({ name: "names", params: { name: "world" }, args: [] });
    expect(land(router, "/typed/world/")).toMatchObject({ name: "typed", params: { name: "world" }, args: [] });
  });

  test("lets a route's own parameters win over captured ones", () => {
    expect(land(router, "/defaults/this/").params).toEqual({ slug: "always", extra: "given" });
  });

  test("gives a scope of its own to every connection", () => {
    const connection = socket("/typed/world/");
    const receive = router(connection);
    expect(typeof receive).toBe("function");
    expect(connection.scope["params"]).toEqual({});
    expect(Object.isFrozen(land(router, "/typed/world/").params)).toBe(true);
  });

  test("may be called with new", () => {
    expect(land(new URLRouter([path("/x", landing("x"))]), "/x").name).toBe("x");
  });

  test("takes a consumer's class as it is", () => {
    class Echo extends WebsocketConsumer {}
    expect(typeof URLRouter([path("/x1/", Echo)])(socket("/x1/"))).toBe("function");
  });

  test("lets an error of the application through, even one with its own code", () => {
    class Lost extends Error {
      readonly code = "ERR_NO_ROUTE";
    }
    const failing = URLRouter([
      path("/x", () => {
        throw new Lost("mine");
      }),
      path("/x", landing("never")),
    ]);
    expect(() => failing(socket("/x"))).toThrow(Lost);
  });
});

describe("Below a root path, a URLRouter", () => {
  const mounted = URLRouter([path("", landing("empty")), path("/bar/", landing("bar"))]);

  test.each([
    ["/site/bar/", "/site", "bar"],
    ["/site/", "/site", "empty"],
    ["/site", "/site", "empty"],
    ["/a/b/bar/", "/a/b", "bar"],
    ["/bar/", "/", "bar"],
    ["/%73ite/bar/", "/site", "bar"],
    ["/%E6%B0%B4/bar/", "/水", "bar"],
  ])("takes %s under %s to %s", (rawPath, rootPath, name) => {
    expect(land(mounted, rawPath, rootPath).name).toBe(name);
  });

  test.each([
    ["/bar/", "/site"],
    ["/sited/bar/", "/site"],
    ["/Site/bar/", "/site"],
    ["/", "/site"],
  ])("has no route for %s outside of %s", (rawPath, rootPath) => {
    expect(() => land(mounted, rawPath, rootPath)).toThrow(`"${rawPath}" is not below the root path ${rootPath}`);
  });

  test("strips the root path once, and not again in an inner router", () => {
    const outer = URLRouter([path("/site/", URLRouter([path("/site/bar/", landing("inner"))]))]);
    expect(land(outer, "/site/site/site/bar/", "/site").name).toBe("inner");
  });
});

describe("Where no route matches, a URLRouter", () => {
  const rooms = URLRouter([
    path("/ws/chat/:room/", landing("chat")),
    path("/x1/", landing("x1")),
    rePath(/^y$/, landing("y")),
  ]);

  test("throws ERR_NO_ROUTE and lists the patterns", () => {
    expect(() => land(rooms, "/elsewhere/")).toThrow(
      'No route matches the path "/elsewhere/"; wanted one of /ws/chat/:room/, /x1/, (^y$).',
    );
    expect(caught(() => land(rooms, "/elsewhere/"))).toMatchObject({ code: "ERR_NO_ROUTE" });
  });

  test.each([
    ["/x1", "/x1/"],
    ["/X1/", "/x1/"],
    ["/ws/chta/lobby/", "/ws/chat/:room/"],
    ["/ws/chat/a-room-with-a-long-name", "/ws/chat/:room/"],
  ])("takes %s for a misspelt %s", (rawPath, meant) => {
    expect(() => land(rooms, rawPath)).toThrow(`did you mean "${meant}"?`);
  });

  test("lists twenty patterns at most", () => {
    const many = URLRouter(Array.from({ length: 25 }, (_, index) => path(`/r${index}/`, landing("r"))));
    expect(() => land(many, "/")).toThrow(/\/r19\/, 5 more\.$/);
  });

  test("says so when it has none at all", () => {
    expect(() => land(URLRouter([]), "/")).toThrow("wanted a route, but there is none");
  });

  test.each(["channel", "lifespan"] as const)("answers a %s, which has no path, alike", (type) => {
    const connection = new RecordingConnection({ type, channel: "thumbnails" });
    expect(caught(() => rooms(connection))).toMatchObject({ code: "ERR_NO_ROUTE" });
  });
});

describe("A URLRouter refuses", () => {
  test.each<[what: string, given: unknown, remedy: string]>([
    ["a nested list", [path("/x", landing("x"))], "Spread the list"],
    ["a list of Django's include", { urlpatterns: [] }, "To include other routes, give them a path of their own"],
    ["a consumer without a path", class Echo extends WebsocketConsumer {}, "wanted path(pattern, target)"],
    ["nothing", undefined, "That is no route; got undefined"],
  ])("%s among its routes", (_what, given, remedy) => {
    const error = caught(() => URLRouter([given as Route]));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain(remedy);
  });

  test("something that is no list", () => {
    expect(caught(() => URLRouter(path("/x", landing("x")) as never))).toMatchObject({ code: "ERR_INVALID_ROUTE" });
  });

  test.each([undefined, null, "ChatConsumer", {}, class Plain {}])("%p as a route's target", (target) => {
    const error = caught(() => path("/x/", target as never));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain("The route /x/ leads to no application");
  });

  test("a target that returns nothing for the events, such as a bare request listener", () => {
    const bare = URLRouter([path("/x", (() => {}) as never)]);
    expect(() => bare(socket("/x"))).toThrow("Wrap a request listener of Node in nodeListener");
  });

  test.each<[options: unknown, sentence: string]>([
    [null, "A route's options"],
    [{ parms: {} }, 'no option parms; did you mean "params"?'],
    [{ params: "room" }, "A route's params"],
    [{ params: { room: 1 } }, "A route's parameter room; got 1; wanted a string or a list of strings"],
  ])("the options %j", (options, sentence) => {
    const error = caught(() => path("/x", landing("x"), options as never));
    expect(isMillraceError(error, "ERR_INVALID_OPTION")).toBe(true);
    expect(String(error)).toContain(sentence);
  });
});
