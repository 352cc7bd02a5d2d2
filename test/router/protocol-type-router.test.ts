import { describe, expect, test } from "@jest/globals";
import {
  type ApplicationLike,
  isMillraceError,
  ProtocolTypeRouter,
  URLRouter,
  path,
  WebsocketConsumer,
} from "millrace";
import { isNoRoute } from "../../src/protocol/no-route.ts";
import { caught } from "../support/caught.ts";
import { land, landing, slowMiddleware, landLater, socket } from "../support/landing.ts";
import { httpScope, RecordingConnection } from "../support/recording-connection.ts";

describe("A ProtocolTypeRouter", () => {
  test("takes a connection to the application of its protocol", () => {
    const router = ProtocolTypeRouter({ websocket: landing("socket"), http: landing("request") });
    expect(land(router, "/").name).toBe("socket");
    expect(typeof router(new RecordingConnection(httpScope("/")))).toBe("function");
  });

  test("takes a consumer's class as it is", () => {
    expect(typeof ProtocolTypeRouter({ websocket: WebsocketConsumer })(socket("/"))).toBe("function");
  });

  test("takes whatever carries an application, whoever wrote it", () => {
    const source = { [Symbol.for("millrace.asApplication")]: () => landing("carried") } as unknown as ApplicationLike;
    expect(land(ProtocolTypeRouter({ websocket: source }), "/").name).toBe("carried");
  });

  test("waits for an application that takes its time", async () => {
    const router = ProtocolTypeRouter({ websocket: slowMiddleware(landing("slow")) });
    expect((await landLater(router, "/")).name).toBe("slow");
  });

  test("may be called with new", () => {
    expect(land(new ProtocolTypeRouter({ websocket: landing("socket") }), "/").name).toBe("socket");
  });

  test.each(["http", "channel", "lifespan", "constructor"])(
    "has no route for a protocol %s that is not served",
    (type) => {
      const connection = new RecordingConnection({ ...httpScope("/"), type } as never);
      const error = caught(() => ProtocolTypeRouter({ websocket: landing("socket") })(connection));
      expect(isNoRoute(error)).toBe(true);
      expect(String(error)).toContain(`No application serves the protocol ${type}; wanted one of websocket.`);
    },
  );

  test("lets a router above it fall back", () => {
    const http = ProtocolTypeRouter({ http: landing("request") });
    expect(land(URLRouter([path("/x", http), path("/x", landing("next"))]), "/x").name).toBe("next");
  });

  test.each([
    [{ websockets: landing("x") }, 'There is no protocol "websockets"; did you mean "websocket"?'],
    [{ ftp: landing("x") }, 'There is no protocol "ftp"'],
    [{ http: undefined }, "The protocol http leads to no application; got undefined"],
    [{ http: "pages" }, "The protocol http leads to no application"],
    [undefined, "takes an application for each protocol"],
  ])("refuses %p", (applications, sentence) => {
    const error = caught(() => ProtocolTypeRouter(applications as never));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain(sentence);
  });
});
