import { describe, expect, test } from "@jest/globals";
import {
  type Application,
  type ApplicationLike,
  asApplicationSymbol,
  Consumer,
  toApplication,
  WebsocketConsumer,
} from "millrace";
import { caught } from "../support/caught.ts";
import { httpScope, RecordingConnection, websocketScope } from "../support/recording-connection.ts";

const plain: Application = () => () => {};

describe("the application behind what a route was given", () => {
  test("is the function itself", () => {
    expect(toApplication(plain)).toBe(plain);
  });

  test("is what something with the brand carries, an object or a function", () => {
    expect(toApplication({ [asApplicationSymbol]: () => plain })).toBe(plain);
    expect(toApplication(Object.assign(() => () => {}, { [asApplicationSymbol]: () => plain }))).toBe(plain);
  });

  test("is what another copy of the package branded", () => {
    const brand = Symbol.for("millrace.asApplication");
    expect(toApplication({ [brand]: () => plain } as unknown as ApplicationLike)).toBe(plain);
  });

  test("serves by a new instance of a consumer's class", () => {
    class Echo extends WebsocketConsumer {}
    const receive = toApplication(Echo)(new RecordingConnection(websocketScope("/")));

    expect(typeof receive).toBe("function");
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a string", "ChatConsumer"],
    ["an object", {}],
    ["a class without the brand", class Chat {}],
    ["a consumer's instance", new (class Chat extends Consumer {})()],
  ])("is not found in %s", (_, target) => {
    expect(caught(() => toApplication(target as ApplicationLike))).toMatchObject({ code: "ERR_INVALID_ROUTE" });
  });
});

describe("a consumer's class as an application", () => {
  test("refuses a scope of a protocol that it does not serve", () => {
    class Echo extends WebsocketConsumer {}
    expect(caught(() => Echo.asApplication()(new RecordingConnection(httpScope("/"))))).toMatchObject({
      code: "ERR_WRONG_PROTOCOL",
      message: expect.stringContaining('Echo serves websocket; got "http"'),
    });
  });

  test.each([
    ["concurrency", 0],
    ["concurrency", Number.NaN],
    ["grace", -1],
    ["grace", Infinity],
    ["grace", 2 ** 31],
  ])("refuses static %s = %d, before anything is served", (field, value) => {
    class Wrong extends WebsocketConsumer {}
    Object.defineProperty(Wrong, field, { value });

    expect(caught(() => toApplication(Wrong))).toMatchObject({
      code: "ERR_INVALID_OPTION",
      message: expect.stringContaining(`Wrong.${field}`),
    });
  });
});
