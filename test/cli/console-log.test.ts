import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { logDiagnostics } from "../../src/cli/console-log.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { publish } from "../../src/protocol/diagnostics.ts";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";

/** A terminal without colours that keeps its lines. */
class Lines implements Terminal {
  readonly lines: string[] = [];
  print(text: string): void {
    this.lines.push(text);
  }
  readonly bold = same;
  readonly dim = same;
  readonly red = same;
  readonly yellow = same;
}

const same = (text: string): string => text;

const expire = (): void => publish("millrace:message:expired", () => ({ channel: "a", type: "b" }));
const drop = (): void =>
  publish("millrace:layer:over-capacity", () => ({ layer: "memory", target: "g", type: "t", members: 2 }));

describe("What the command line logs", () => {
  let errors: Lines;
  let log: Disposable;
  beforeEach(() => {
    jest.useFakeTimers();
    errors = new Lines();
    log = logDiagnostics({ errors });
  });
  afterEach(() => {
    log[Symbol.dispose]();
    jest.useRealTimers();
  });

  test("is ten lines of a kind in a second, and then a count", () => {
    for (let count = 0; count < 1000; count++) expire();
    drop();
    expect(errors.lines).toHaveLength(11);
    expect(errors.lines.at(-1)).toBe('The channel layer memory is over capacity: 2 members of g did not get "t"');
    jest.advanceTimersByTime(1000);
    expect(errors.lines.slice(11)).toEqual(["… and 990 more within a second (millrace:message:expired)"]);
    expire();
    expect(errors.lines).toHaveLength(13);
  });

  test("ends with the count of what was held back", () => {
    for (let count = 0; count < 12; count++) expire();
    log[Symbol.dispose]();
    expect(errors.lines.at(-1)).toBe("… and 2 more within a second (millrace:message:expired)");
    expire();
    expect(errors.lines).toHaveLength(11);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("tells that a client reads too slowly, but not that it missed what its sender let be replaced", () => {
    const { scope } = new RecordingConnection(websocketScope("/chat/"));
    for (const reason of ["replaced", "full"] as const) {
      publish("millrace:websocket:dropped", () => ({ scope, reason, messages: 3 }));
    }
    expect(errors.lines).toEqual(["3 messages not sent (/chat/): the client reads too slowly"]);
  });

  test("shows the errors behind an error, and stops where they go round", () => {
    const cause = new Error("the cause");
    const error = new Error("the error", { cause });
    cause.cause = error;
    publish("millrace:layer:error", () => ({ layer: "default", error }));
    const text = errors.lines.join("\n");
    expect(text).toMatch(/^The channel layer default failed\nError: the error\n {4}at /);
    expect(text.match(/Caused by: Error: the cause/g)).toHaveLength(1);
  });
});
