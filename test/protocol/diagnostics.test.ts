import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "@jest/globals";
import { type Diagnostics, type DiagnosticsName, diagnosticsNames, subscribeDiagnostics } from "millrace";
import { publish, reportError, reportExpired } from "../../src/protocol/diagnostics.ts";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";

const scope = websocketScope("/ws/");
const connection = new RecordingConnection(scope);

/** What is published on a channel meanwhile. */
function heard<Name extends DiagnosticsName>(name: Name, meanwhile: () => void): Array<Diagnostics[Name]> {
  const payloads: Array<Diagnostics[Name]> = [];
  const listening = subscribeDiagnostics(name, (payload) => payloads.push(payload));
  try {
    meanwhile();
  } finally {
    listening[Symbol.dispose]();
  }
  return payloads;
}

describe("diagnostics", () => {
  test("reach whoever listens, with their payload, and no longer once disposed of", () => {
    const expired = (): void => reportExpired("room!1", { type: "chat.message" });
    const payloads = heard("millrace:message:expired", expired);
    expired();

    expect(payloads).toEqual([{ channel: "room!1", type: "chat.message" }]);
  });

  test("reach those who listen by node:diagnostics_channel as well", () => {
    const payloads: unknown[] = [];
    const listener = (payload: unknown): void => void payloads.push(payload);
    subscribe("millrace:server:closed", listener);
    publish("millrace:server:closed", () => ({ forced: 2 }));
    unsubscribe("millrace:server:closed", listener);

    expect(payloads).toEqual([{ forced: 2 }]);
  });

  test("are not even put together while nobody listens", () => {
    let made = 0;
    const payload = (): Diagnostics["millrace:server:closed"] => ({ forced: ++made });
    publish("millrace:server:closed", payload);
    expect(made).toBe(0);

    expect(heard("millrace:server:closed", () => publish("millrace:server:closed", payload))).toEqual([{ forced: 1 }]);
  });

  test("have names that say whose they are, each once", () => {
    expect(new Set(diagnosticsNames).size).toBe(diagnosticsNames.length);
    for (const name of diagnosticsNames) expect(name).toMatch(/^millrace:[a-z]+:[a-z-]+$/);
  });
});

describe("an application's failure", () => {
  test("is published once, however many report it on its way up", () => {
    const error = new Error("broken");
    const payloads = heard("millrace:application:error", () => {
      reportError(connection, error, "websocket.receive", "ChatConsumer");
      reportError(connection.with({}), error, "websocket.receive");
    });

    expect(payloads).toEqual([{ scope, error, event: "websocket.receive", consumer: "ChatConsumer" }]);
  });

  test("is published for each session in which one and the same error is thrown", () => {
    const error = new Error("a constant of the application");
    const payloads = heard("millrace:application:error", () => {
      reportError(connection, error, "websocket.receive");
      reportError(new RecordingConnection(scope), error, "websocket.receive");
    });

    expect(payloads).toHaveLength(2);
  });

  test("is published again for another error that says the same", () => {
    const payloads = heard("millrace:application:error", () => {
      reportError(connection, new Error("broken"), "websocket.receive");
      reportError(connection, new Error("broken"), "websocket.receive");
    });

    expect(payloads).toHaveLength(2);
    expect(payloads[0]).not.toHaveProperty("consumer");
  });
});
