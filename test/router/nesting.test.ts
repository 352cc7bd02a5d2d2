import { describe, expect, test } from "@jest/globals";
import {
  type Application,
  type Connection,
  isMillraceError,
  path,
  ProtocolTypeRouter,
  rePath,
  URLRouter,
  WebsocketConsumer,
  wraps,
} from "millrace";
import { NoRoute } from "../../src/protocol/no-route.ts";
import { caught } from "../support/caught.ts";
import { land, landing, landLater, middleware, slowMiddleware, socket } from "../support/landing.ts";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";

const inner = URLRouter([
  rePath(/^book\/(?<book>\w+)\/page\/(?<page>\d+)\/$/, landing("page")),
  rePath(/^test\/(\d+)\/$/, landing("test")),
  path("/:name/", landing("name")),
  path("", landing("front")),
]);

describe("A router in a route", () => {
  const outer = URLRouter([
    rePath(/^universe\/(?<universe>\d+)\//, inner),
    rePath(/^number\/(\w+)\//, inner),
    path("/fixed/", inner, { params: { fixed: "yes" } }),
    path("/:name/", inner),
  ]);

  test("adds what it captures by name to what the outer one did", () => {
    expect(land(outer, "/universe/42/book/guide/page/10/").params).toEqual({
      universe: "42",
      book: "guide",
      page: "10",
    });
  });

  test("appends what it captures by position", () => {
    expect(land(outer, "/number/one/test/3/")).toMatchObject({ name: "test", params: {}, args: ["one", "3"] });
  });

  test("wins where both capture the same name", () => {
    expect(land(outer, "/outer/inner/").params).toEqual({ name: "inner" });
  });

  test("gets the outer route's own parameters", () => {
    expect(land(outer, "/fixed/a/").params).toEqual({ fixed: "yes", name: "a" });
  });

  test("is handed an empty rest where the whole path was matched", () => {
    expect(land(outer, "/fixed/").name).toBe("front");
  });

  test("is reached only up to a slash", () => {
    const mount = URLRouter([path("/a", URLRouter([path("/b", landing("b")), path("b", landing("b"))]))]);
    expect(land(mount, "/a/b").name).toBe("b");
    expect(() => land(mount, "/ab")).toThrow("No route");
  });

  test("is not reached without the slash that its mount is written with", () => {
    expect(() => land(outer, "/fixed")).toThrow("No route");
  });

  test("gets its rest still encoded, so that what it captures is decoded once", () => {
    const mount = URLRouter([path("/:a/", URLRouter([path("/:b", landing("b"))]))]);
    expect(land(mount, "/x%2Fy/%252F").params).toEqual({ a: "x/y", b: "%2F" });
  });

  test("gets the rest behind a wildcard", () => {
    const mount = URLRouter([path("/*front/edit/", URLRouter([path("/:what", landing("edit"))]))]);
    expect(land(mount, "/a/b/edit/title").params).toEqual({ front: ["a", "b"], what: "title" });
  });

  test("may stand under nothing at all", () => {
    const mount = URLRouter([path("", URLRouter([path("/x/", landing("x"))])), path("/", inner)]);
    expect([land(mount, "/x/").name, land(mount, "/y/").name]).toEqual(["x", "name"]);
  });

  test("may stand behind a protocol router", () => {
    const mount = URLRouter([path("/a/", ProtocolTypeRouter({ websocket: inner }))]);
    expect(land(mount, "/a/b/").params).toEqual({ name: "b" });
  });

  test("goes on after the match of an expression, whatever stands there", () => {
    const mount = URLRouter([rePath(/^v/, URLRouter([path("1/:rest", landing("one"))])), rePath(/^w/, inner)]);
    expect(land(mount, "/v1/x").params).toEqual({ rest: "x" });
    expect(land(mount, "/w/x/").params).toEqual({ name: "x" });
  });

  test("answers synchronously when everything does", () => {
    expect(typeof outer(socket("/fixed/a/"))).toBe("function");
  });
});

describe("When an inner router has no route, the outer one", () => {
  const outer = URLRouter([
    path("/a/", URLRouter([path("/known/", landing("inner"))])),
    path("/a/fallback/", landing("outer")),
    path("/:any/", landing("any")),
  ]);

  test("goes on with its next", () => {
    expect(land(outer, "/a/known/").name).toBe("inner");
    expect(land(outer, "/a/fallback/").name).toBe("outer");
    expect(land(outer, "/a/").name).toBe("any");
  });

  test("does so below a root path too", () => {
    expect(land(outer, "/site/a/known/", "/site").name).toBe("inner");
    expect(land(outer, "/site/a/fallback/", "/site").name).toBe("outer");
    expect(() => land(outer, "/a/fallback/", "/site")).toThrow("not below the root path");
  });

  test("goes on with the parameters that it had before", () => {
    const forgetful = URLRouter([
      path("/:lost/", URLRouter([path("/:gone/x", landing("never"))])),
      path("/:kept/y/", landing("kept")),
    ]);
    expect(land(forgetful, "/a/y/").params).toEqual({ kept: "a" });
  });

  test("tells of its own patterns in the end, those of inner routers among them", () => {
    expect(() => land(outer, "/a/b/c/")).toThrow("wanted one of /a/known/, /a/fallback/, /:any/.");
  });

  test("does so where the inner one stands behind a middleware that takes its time", async () => {
    const slow = URLRouter([
      path("/a/", slowMiddleware(URLRouter([path("/known/", landing("inner"))]))),
      path("/a/fallback/", landing("outer")),
    ]);
    expect((await landLater(slow, "/a/known/")).name).toBe("inner");
    expect((await landLater(slow, "/a/fallback/")).name).toBe("outer");
    await expect(landLater(slow, "/a/other/")).rejects.toMatchObject({ code: "ERR_NO_ROUTE" });
  });

  test.each<[how: string, failing: () => Application]>([
    [
      "thrown",
      () => () => {
        throw lost();
      },
    ],
    ["rejected", () => () => Promise.reject(lost())],
  ])("lets an application's own error of the same code through, %s", async (_how, failing) => {
    const router = URLRouter([path("/x", failing()), path("/x", landing("never"))]);
    const error: unknown = await landLater(router, "/x").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_NO_ROUTE", message: "mine" });
  });

  test.each<[how: string, failing: () => Application]>([
    [
      "thrown",
      () => () => {
        throw new NoRoute("inner", []);
      },
    ],
    ["rejected", () => () => Promise.reject(new NoRoute("inner", []))],
  ])("falls back on a router's own answer, %s", async (_how, failing) => {
    const router = URLRouter([path("/x", failing()), path("/x", landing("next"))]);
    expect((await landLater(router, "/x")).name).toBe("next");
  });
});

function lost(): Error {
  return Object.assign(new Error("mine"), { code: "ERR_NO_ROUTE" });
}

describe.each([
  ["a middleware", middleware],
  ["a middleware that takes its time", slowMiddleware],
  ["two", (application: Application) => middleware(slowMiddleware(application))],
])("Between two routers, %s", (_what, wrap) => {
  const outer = URLRouter([
    path("/room/:room/", wrap(inner)),
    path("/deep/", wrap(URLRouter([path("/:a/", wrap(URLRouter([path("/:b/", landing("b"))])))]))),
    path("/deep/:else/", landing("else")),
    rePath(/^re\/(\w+)\//, wrap(inner)),
  ]);

  test("does not break nesting", async () => {
    const found = await landLater(outer, "/room/a/name/");
    expect(found).toMatchObject({ name: "name", params: { room: "a", name: "name" } });
    expect(found.connection.scope["seen"]).toBe(true);
  });

  test("does not break it at the mount itself", async () => {
    expect(await landLater(outer, "/room/a/")).toMatchObject({ name: "front", params: { room: "a" } });
  });

  test("does not break it at any depth", async () => {
    expect(await landLater(outer, "/deep/1/2/")).toMatchObject({ name: "b", params: { a: "1", b: "2" } });
  });

  test("does not break falling back", async () => {
    expect((await landLater(outer, "/deep/1/")).name).toBe("else");
    await expect(landLater(outer, "/deep/1/2/3/")).rejects.toMatchObject({ code: "ERR_NO_ROUTE" });
  });

  test("does not break an expression's nesting", async () => {
    expect(await landLater(outer, "/re/a/test/7/")).toMatchObject({ name: "test", args: ["a", "7"] });
  });

  test("lets what the application sends through", async () => {
    const greeting: Application = (connection) => {
      connection.send({ type: "websocket.accept" });
      return () => void connection.send({ type: "websocket.send", text: "hello" });
    };
    const connection = new RecordingConnection(websocketScope("/a/b"));
    const receive = await URLRouter([path("/a", wrap(URLRouter([path("/b", greeting)])))])(connection);
    await receive({ type: "websocket.connect" });
    expect(connection.sent).toEqual([{ type: "websocket.accept" }, { type: "websocket.send", text: "hello" }]);
  });

  test("lets an error of the application through", async () => {
    const failing: Application = () => Promise.reject(new TypeError("mine"));
    const router = URLRouter([path("/a", wrap(URLRouter([path("/b", failing)]))), path("/a/b", landing("never"))]);
    await expect(landLater(router, "/a/b")).rejects.toThrow("mine");
  });
});

describe("A function at the end of a route", () => {
  test("is not reached by a path that goes on", () => {
    const router = URLRouter([path("/a", landing("a")), path("/a/b", landing("b"))]);
    expect(land(router, "/a").name).toBe("a");
    expect(land(router, "/a/b").name).toBe("b");
    expect(() => land(router, "/a/c")).toThrow("No route");
  });

  test("is not reached by one inside of a middleware that goes on either", async () => {
    const router = URLRouter([
      path("/a", slowMiddleware(URLRouter([path("/b", middleware(landing("b")))]))),
      path("/a/b/c", landing("c")),
    ]);
    expect((await landLater(router, "/a/b/c")).name).toBe("c");
  });

  test("gets nothing out when it was called in order to find out", () => {
    const eager: Application = (connection) => {
      connection.send({ type: "websocket.accept" });
      return () => {};
    };
    const connection = new RecordingConnection(websocketScope("/a/b"));
    expect(caught(() => URLRouter([path("/a", eager)])(connection))).toMatchObject({ code: "ERR_NO_ROUTE" });
    expect(connection.sent).toEqual([]);
  });

  test("gets nothing out later either", async () => {
    let kept: Connection | undefined;
    const keeping: Application = async (connection) => {
      kept = connection;
      await Promise.resolve();
      return () => {};
    };
    const connection = new RecordingConnection(websocketScope("/a/b"));
    const router = URLRouter([path("/a", keeping), path("/a/b", landing("b"))]);
    await router(connection);
    expect(caught(() => kept?.send({ type: "websocket.accept" }))).toMatchObject({ code: "ERR_NO_ROUTE" });
    expect(connection.sent).toEqual([]);
  });

  test("takes the connection back when its inner router found a route and then none", async () => {
    // The inner route matches, and claims; what it leads to has no route, and nobody has.
    const empty = slowMiddleware(URLRouter([]));
    const rescuing: Application = async (connection) => {
      try {
        return await URLRouter([path("/b", empty)])(connection);
      } catch {
        return () => {};
      }
    };
    const router = URLRouter([path("/a", rescuing), path("/a/b", landing("next"))]);
    expect((await landLater(router, "/a/b")).name).toBe("next");
  });
});

describe("A consumer's class at the end of a route", () => {
  test("is never made for a path that goes on", () => {
    let made = 0;
    class Counted extends WebsocketConsumer {
      readonly number = ++made;
    }
    const router = URLRouter([
      path("/a", Counted),
      path("/a", Counted.asApplication({ groups: ["g"] })),
      path("/a", wraps(Counted, middleware(Counted.asApplication()))),
    ]);
    expect(() => land(router, "/a/b")).toThrow("No route");
    expect(made).toBe(0);
    expect(typeof router(socket("/a"))).toBe("function");
    expect(made).toBe(1);
  });
});

describe("Routers derive connections", () => {
  test("by with, so that a transport's own members stay in reach", () => {
    const connection = socket("/a/b");
    const router = URLRouter([path("/a", middleware(URLRouter([path("/b", signalling)])))]);
    expect(typeof router(connection)).toBe("function");
    expect(signals).toEqual([connection.signal]);
  });

  const signals: AbortSignal[] = [];
  const signalling: Application = ({ signal }) => {
    signals.push(signal);
    return () => {};
  };

  test("and leave the one that they were given as it was", () => {
    const connection = socket("/a/b");
    const { scope } = connection;
    const before = { ...scope };
    const router = URLRouter([path("/:a", URLRouter([path("/:b", landing("b"))]))]);
    expect(typeof router(connection)).toBe("function");
    expect(connection.scope).toBe(scope);
    expect({ ...scope }).toEqual(before);
  });
});

describe("wraps", () => {
  test("lets a route treat a middleware as what it wraps", () => {
    let calls = 0;
    const router = URLRouter([path("/known/", landing("known"))]);
    const counted = wraps(router, (connection) => {
      calls++;
      return router(connection);
    });
    expect(land(URLRouter([path("/a", counted)]), "/a/known/").name).toBe("known");
    expect(calls).toBe(1);
  });

  test("refuses what is no application", () => {
    expect(
      isMillraceError(
        caught(() => wraps({} as never, landing("x"))),
        "ERR_INVALID_ROUTE",
      ),
    ).toBe(true);
  });
});
