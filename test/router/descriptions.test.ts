import { describe, expect, test } from "@jest/globals";
import {
  type Application,
  ChannelNameRouter,
  Consumer,
  describeRoutes,
  lifespan,
  nodeListener,
  path,
  ProtocolTypeRouter,
  rePath,
  URLRouter,
  WebsocketConsumer,
  wraps,
} from "millrace";
import { middleware } from "../support/landing.ts";

class Chat extends WebsocketConsumer {}
class Thumbnails extends Consumer {}

function rows(application: Application): string[] {
  return describeRoutes(application).map(
    ({ protocol, pattern, target }) => `${protocol ?? "any"} ${pattern === "" ? "all" : pattern} ${target}`,
  );
}

describe("A table of routes", () => {
  test("tells every protocol's patterns and what they lead to", () => {
    function pages(): void {}
    const application = ProtocolTypeRouter({
      http: nodeListener(pages),
      websocket: URLRouter([path("ws/chat/:room/", Chat), rePath(/^x1\/$/, Chat.asApplication())]),
      channel: ChannelNameRouter({ thumbnails: Thumbnails }),
      lifespan: lifespan({ startup: () => {}, shutdown: () => {} }),
    });
    expect(rows(application)).toEqual([
      "http all pages",
      "websocket /ws/chat/:room/ Chat",
      "websocket (^x1/$) Chat",
      "channel thumbnails Thumbnails",
      "lifespan all startup, shutdown",
    ]);
  });

  test("joins the patterns of routers that stand in routes", () => {
    const inner = URLRouter([path("", Chat), path("/:room/", Chat), rePath(/^(\d+)$/, Chat)]);
    expect(rows(URLRouter([path("/a/", inner), path("b", inner), rePath(/^c\//, inner), path("/", inner)]))).toEqual([
      "any /a/ Chat",
      "any /a/:room/ Chat",
      "any /a/(^(\\d+)$) Chat",
      "any /b Chat",
      "any /b/:room/ Chat",
      "any /b/(^(\\d+)$) Chat",
      "any (^c/) Chat",
      "any (^c/):room/ Chat",
      "any (^c/)(^(\\d+)$) Chat",
      "any / Chat",
      "any /:room/ Chat",
      "any /(^(\\d+)$) Chat",
    ]);
  });

  test("tells the protocol of a router behind a path", () => {
    expect(rows(URLRouter([path("/a/", ProtocolTypeRouter({ websocket: Chat }))]))).toEqual(["websocket /a/ Chat"]);
  });

  test("shows a function by its name, and so a middleware that nothing is known of", () => {
    const authenticated = middleware(URLRouter([path("/x", Chat)]));
    Object.defineProperty(authenticated, "name", { value: "authenticated" });
    expect(rows(URLRouter([path("/a", authenticated), path("/b", (() => () => () => {})())]))).toEqual([
      "any /a authenticated",
      "any /b a function",
    ]);
  });

  test("shows what stands behind a middleware that says what it wraps", () => {
    const inner = URLRouter([path("/x", Chat)]);
    expect(
      rows(
        URLRouter([
          path("/a", wraps(inner, middleware(inner))),
          path("/b", wraps(Chat, middleware(Chat.asApplication()))),
        ]),
      ),
    ).toEqual(["any /a/x Chat", "any /b Chat"]);
  });
});
