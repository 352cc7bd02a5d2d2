import { describe, expect, test } from "@jest/globals";
import { type Application, ChannelNameRouter, Consumer, isMillraceError } from "millrace";
import { isNoRoute } from "../../src/protocol/no-route.ts";
import { caught } from "../support/caught.ts";
import { socket } from "../support/landing.ts";
import { RecordingConnection } from "../support/recording-connection.ts";

function channel(name: string): RecordingConnection {
  return new RecordingConnection({ type: "channel", channel: name });
}

describe("A ChannelNameRouter", () => {
  const reached: string[] = [];
  const thumbnails: Application = ({ scope }) => {
    reached.push(String(scope["channel"]));
    return () => {};
  };
  class Mail extends Consumer {}
  const router = ChannelNameRouter({ thumbnails, mail: Mail });

  test("takes a channel to its application", () => {
    expect(typeof router(channel("thumbnails"))).toBe("function");
    expect(reached).toEqual(["thumbnails"]);
  });

  test("takes a consumer's class as it is, and may be called with new", () => {
    expect(typeof new ChannelNameRouter({ mail: Mail })(channel("mail"))).toBe("function");
  });

  test("has no route for another channel, and says which was meant", () => {
    const error = caught(() => router(channel("thumbnail")));
    expect(isNoRoute(error)).toBe(true);
    expect(String(error)).toContain('channel thumbnail; did you mean "thumbnails"?; wanted one of thumbnails, mail.');
  });

  test.each(["constructor", "__proto__"])("has no route for a channel %s", (name) => {
    expect(isNoRoute(caught(() => router(channel(name))))).toBe(true);
  });

  test("has no route for a scope that names no channel", () => {
    const error = caught(() => router(socket("/")));
    expect(isNoRoute(error)).toBe(true);
    expect(String(error)).toContain("A websocket scope names no channel");
  });

  test("refuses a name that no channel can have", () => {
    expect(
      isMillraceError(
        caught(() => ChannelNameRouter({ "a b": Mail })),
        "ERR_INVALID_NAME",
      ),
    ).toBe(true);
  });

  test.each([
    [{ mail: undefined }, "The channel mail leads to no application"],
    [null, "takes an application for each channel"],
  ])("refuses %p", (applications, sentence) => {
    const error = caught(() => ChannelNameRouter(applications as never));
    expect(isMillraceError(error, "ERR_INVALID_ROUTE")).toBe(true);
    expect(String(error)).toContain(sentence);
  });
});
