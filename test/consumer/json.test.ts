import { describe, expect, test } from "@jest/globals";
import { JsonWebsocketConsumer, toApplication } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";

class Echo extends JsonWebsocketConsumer {
  override receiveJson(content: unknown): void {
    this.sendJson(content);
  }
}

describe("a consumer of JSON", () => {
  test.each([[{ hello: "world", list: [1, null] }], ["text"], [0], [null], [false], [[]]])(
    "takes and sends %j",
    async (content) => {
      const communicator = new WebsocketCommunicator(Echo, "/");
      await communicator.connect();
      await communicator.sendJson(content);

      expect(await communicator.receiveJson()).toEqual(content);
      await communicator.disconnect();
    },
  );

  test.each(["", "{", "undefined", "'x'", "{a:1}"])(
    "closes with 1007 for the text %j, and nothing has failed",
    async (text) => {
      const failures: Error[] = [];
      class Watching extends Echo {
        override onError(error: Error): void {
          failures.push(error);
        }
      }
      const communicator = new WebsocketCommunicator(Watching, "/");
      await communicator.connect();
      await communicator.send(text);

      expect(await communicator.receiveClose()).toMatchObject({ code: 1007 });
      await communicator.disconnect();
      expect(failures).toEqual([]);
    },
  );

  test("closes with 1003 for a binary message", async () => {
    const communicator = new WebsocketCommunicator(Echo, "/");
    await communicator.connect();
    await communicator.send(Buffer.from("{}"));

    expect(await communicator.receiveClose()).toMatchObject({ code: 1003 });
    await communicator.disconnect();
  });

  test("may answer bad JSON in its own way, and live on", async () => {
    class Patient extends Echo {
      override receiveInvalidJson(text: string, error: Error): void {
        this.sendJson({ error: error.name, text });
      }
    }
    const communicator = new WebsocketCommunicator(Patient, "/");
    await communicator.connect();
    await communicator.send("{");
    expect(await communicator.receiveJson()).toEqual({ error: "SyntaxError", text: "{" });
    await communicator.sendJson({ still: "here" });
    expect(await communicator.receiveJson()).toEqual({ still: "here" });
    await communicator.disconnect();
  });

  test("may encode and decode in its own way", async () => {
    class Dated extends Echo {
      override encodeJson(content: unknown): string {
        return JSON.stringify({ at: 1, content });
      }

      override decodeJson(text: string): unknown {
        return { decoded: JSON.parse(text) as unknown };
      }
    }
    const communicator = new WebsocketCommunicator(Dated, "/");
    await communicator.connect();
    await communicator.sendJson("x");

    expect(await communicator.receiveJson()).toEqual({ at: 1, content: { decoded: "x" } });
    await communicator.disconnect();
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["a function", () => {}],
  ])("fails by an error of its own when it sends %s, which no JSON can say", async (_, content) => {
    class Sending extends JsonWebsocketConsumer {
      override receiveJson(): void {
        this.sendJson(content);
      }
    }
    const communicator = new WebsocketCommunicator(Sending, "/");
    await communicator.connect();
    await communicator.sendJson({});

    await expect(communicator.receiveClose()).rejects.toMatchObject({
      code: "ERR_INVALID_EVENT",
      message: expect.stringMatching(
        /^JSON has no text for that; got (undefined|a function without a name|the function)/,
      ),
    });
    expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
    await communicator.disconnect();
  });

  test("passes on how a message is to be sent", async () => {
    class Prices extends JsonWebsocketConsumer {
      override receiveJson(): void {
        this.sendJson({ price: 1 }, { latest: "price" });
        this.send("secret", { compress: false });
        this.send(new Uint8Array([1]), { latest: "bytes", compress: true });
      }
    }
    const connection = new RecordingConnection(websocketScope("/"));
    const receive = await toApplication(Prices)(connection);
    await receive({ type: "websocket.connect" });
    await receive({ type: "websocket.receive", text: "{}" });
    expect(connection.sent.slice(1)).toEqual([
      { type: "websocket.send", text: '{"price":1}', latest: "price" },
      { type: "websocket.send", text: "secret", compress: false },
      { type: "websocket.send", bytes: new Uint8Array([1]), latest: "bytes", compress: true },
    ]);
  });
});
