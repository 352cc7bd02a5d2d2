import { describe, expect, test } from "@jest/globals";
import { AcceptConnection, closeCodes, DenyConnection, StopConsumer, WebsocketConsumer } from "millrace";
import { WebsocketCommunicator } from "millrace/testing";
import { RecordingConnection, websocketScope } from "../support/recording-connection.ts";

class Echo extends WebsocketConsumer {
  override receive(text: string): void {
    this.send(text);
  }

  override receiveBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }
}

describe("a websocket's consumer", () => {
  test("accepts by default, takes text and bytes, and hears of the end with its code and reason", async () => {
    const ends: unknown[] = [];
    class Chat extends Echo {
      override disconnect(code: number, reason: string): void {
        ends.push([code, reason]);
      }
    }
    const communicator = new WebsocketCommunicator(Chat, "/chat/");

    expect(await communicator.connect()).toEqual({ accepted: true, subprotocol: undefined, headers: [] });
    await communicator.send("hello");
    expect(await communicator.receiveText()).toBe("hello");
    await communicator.send(new Uint8Array([0, 255]));
    expect(await communicator.receiveBytes()).toEqual(new Uint8Array([0, 255]));
    await communicator.disconnect(4001, "bye");

    expect(ends).toEqual([[4001, "bye"]]);
  });

  test("awaits its hooks, one after the other", async () => {
    const log: string[] = [];
    class Chat extends WebsocketConsumer {
      override async connect(): Promise<void> {
        await Promise.resolve();
        this.accept();
        log.push("connected");
      }

      override async receive(text: string): Promise<void> {
        await Promise.resolve();
        log.push(text);
      }

      override async disconnect(): Promise<void> {
        await Promise.resolve();
        log.push("disconnected");
      }
    }
    const communicator = new WebsocketCommunicator(Chat, "/");
    await communicator.connect();
    await communicator.send("one");
    await communicator.send("two");
    await communicator.disconnect();

    expect(log).toEqual(["connected", "one", "two", "disconnected"]);
  });

  test("takes an empty message, and sends one", async () => {
    const communicator = new WebsocketCommunicator(Echo, "/");
    await communicator.connect();
    await communicator.send("");
    expect(await communicator.receiveText()).toBe("");
    await communicator.send(new Uint8Array());
    expect(await communicator.receiveBytes()).toEqual(new Uint8Array());
    await communicator.disconnect();
  });

  test("takes text whose bytes are there and undefined, and the other way round", async () => {
    const communicator = new WebsocketCommunicator(Echo, "/");
    await communicator.connect();
    const absent = undefined as unknown as string;
    await communicator.sendInput({ type: "websocket.receive", text: absent, bytes: new Uint8Array([1]) });
    expect(await communicator.receiveBytes()).toEqual(new Uint8Array([1]));
    await communicator.sendInput({ type: "websocket.receive", text: "x", bytes: absent as unknown as Uint8Array });
    expect(await communicator.receiveText()).toBe("x");
    await communicator.disconnect();
  });

  test("closes with 1003 when bytes come and it takes only text", async () => {
    const communicator = new WebsocketCommunicator(WebsocketConsumer, "/");
    await communicator.connect();
    await communicator.send(new Uint8Array([1]));

    expect(await communicator.receiveClose()).toMatchObject({ code: closeCodes.unsupportedData.code });
    await communicator.disconnect();
  });

  test("closes with a code and a reason, and with 1000 when it names none", async () => {
    class Leaving extends WebsocketConsumer {
      override receive(text: string): void {
        if (text === "") this.close();
        else this.close(4007, text);
      }
    }
    for (const [text, closed] of [
      ["enough", { code: 4007, reason: "enough" }],
      ["", { code: 1000, reason: "" }],
    ] as const) {
      const communicator = new WebsocketCommunicator(Leaving, "/");
      await communicator.connect();
      await communicator.send(text);
      expect(await communicator.receiveClose()).toEqual(closed);
      await communicator.disconnect();
    }
  });

  test("hears of the end after it has closed by itself, with the code that the client answered", async () => {
    const codes: number[] = [];
    class Leaving extends WebsocketConsumer {
      override receive(): void {
        this.close(4007);
      }

      override disconnect(code: number): void {
        codes.push(code);
      }
    }
    const communicator = new WebsocketCommunicator(Leaving, "/");
    await communicator.connect();
    await communicator.send("go");
    await communicator.receiveClose();
    await communicator.disconnect();

    expect(codes).toEqual([4007]);
  });

  test("learns from send that the socket is closed, and no error comes of it", async () => {
    const sent: boolean[] = [];
    class Leaving extends WebsocketConsumer {
      override receive(): void {
        sent.push(this.send("before"));
        this.close();
        sent.push(this.send("after"));
        this.close(4000);
      }
    }
    const communicator = new WebsocketCommunicator(Leaving, "/");
    await communicator.connect();
    await communicator.send("go");
    expect(await communicator.receiveText()).toBe("before");
    expect(await communicator.receiveClose()).toEqual({ code: 1000, reason: "" });
    await communicator.disconnect();

    expect(sent).toEqual([true, false]);
    expect(await communicator.receiveNothing(10)).toBe(true);
  });
});

describe("opening a socket", () => {
  /** How a consumer whose `connect` does this answers, and what it fails with. */
  async function opening(connect: (consumer: WebsocketConsumer) => void, subprotocols: readonly string[] = []) {
    class Opening extends WebsocketConsumer {
      override connect(): void {
        connect(this);
      }
    }
    const communicator = new WebsocketCommunicator(Opening, "/", { subprotocols });
    try {
      return await communicator.connect();
    } finally {
      await communicator.disconnect().catch(() => {});
    }
  }

  test("tells in the scope what subprotocols the client offered, and answers with the chosen one", async () => {
    const offered = ["chat.v1", "chat.v2"];
    const answer = await opening((consumer) => {
      expect(consumer.scope.subprotocols).toEqual(offered);
      consumer.accept("chat.v2");
    }, offered);

    expect(answer).toMatchObject({ accepted: true, subprotocol: "chat.v2" });
  });

  test("fails at accept with a subprotocol that was not offered", async () => {
    await expect(opening((consumer) => consumer.accept("chat.v3"), ["chat.v1"])).rejects.toMatchObject({
      code: "ERR_SUBPROTOCOL_NOT_OFFERED",
    });
  });

  test("answers with headers of its own, cookies among them", async () => {
    const answer = await opening((consumer) =>
      consumer.accept(undefined, { "set-cookie": ["a=1", "b=2"], "x-room": "1" }),
    );

    expect(answer).toMatchObject({
      accepted: true,
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["x-room", "1"],
      ],
    });
  });

  test("accepts by throwing AcceptConnection, with all that accept takes", async () => {
    const answer = await opening(() => {
      throw new AcceptConnection("chat.v1", { "x-room": "1" });
    }, ["chat.v1"]);

    expect(answer).toEqual({ accepted: true, subprotocol: "chat.v1", headers: [["x-room", "1"]] });
  });

  test("fails when AcceptConnection names what accept would refuse", async () => {
    await expect(
      opening(() => {
        throw new AcceptConnection("chat.v1");
      }),
    ).rejects.toMatchObject({ code: "ERR_SUBPROTOCOL_NOT_OFFERED" });
  });

  test("refuses by throwing DenyConnection, with 403", async () => {
    const answer = await opening(() => {
      throw new DenyConnection();
    });

    expect(answer).toEqual({ accepted: false, status: 403, headers: [], body: "" });
  });

  test("refuses with a status, headers and a body of its own", async () => {
    const answer = await opening(() => {
      throw new DenyConnection({ status: 401, headers: { "www-authenticate": "Bearer" }, body: "Log in first" });
    });

    expect(answer).toEqual({
      accepted: false,
      status: 401,
      headers: [["www-authenticate", "Bearer"]],
      body: "Log in first",
    });
  });

  test("fails with 500 when DenyConnection names a status that refuses nothing", async () => {
    await expect(
      opening(() => {
        throw new DenyConnection({ status: 200 });
      }),
    ).rejects.toMatchObject({ code: "ERR_INVALID_EVENT" });
  });

  test("refuses with 403 when the consumer closes before it accepts", async () => {
    expect(await opening((consumer) => consumer.close(4001))).toMatchObject({ accepted: false, status: 403 });
  });

  test("refuses with 403 when the consumer stops before it accepts", async () => {
    const answer = await opening(() => {
      throw new StopConsumer();
    });

    expect(answer).toMatchObject({ accepted: false, status: 403 });
  });

  test("is refused with 500 at once when connect fails, and the failure is heard", async () => {
    const failure = new Error("no database");
    class Opening extends WebsocketConsumer {
      override connect(): void {
        throw failure;
      }
    }
    const communicator = new WebsocketCommunicator(Opening, "/");
    await expect(communicator.connect()).rejects.toBe(failure);
    expect(await communicator.connect()).toMatchObject({ accepted: false, status: 500 });
    await communicator.disconnect();
  });

  test.each<[string, (consumer: WebsocketConsumer) => void, string]>([
    [
      "a second accept",
      (consumer) => {
        consumer.accept();
        consumer.accept();
      },
      "ERR_PROTOCOL_STATE",
    ],
    ["a message before accept", (consumer) => void consumer.send("early"), "ERR_PROTOCOL_STATE"],
    ["a close code that can't be sent", (consumer) => consumer.close(999), "ERR_INVALID_CLOSE"],
    ["a header of the handshake", (consumer) => consumer.accept(undefined, { upgrade: "x" }), "ERR_INVALID_HEADER"],
    [
      "a header with a line break",
      (consumer) => consumer.accept(undefined, { "x-a": "1\r\nx-b: 2" }),
      "ERR_INVALID_HEADER",
    ],
    [
      "an object as message",
      (consumer) => {
        consumer.accept();
        consumer.send({} as string);
      },
      "ERR_INVALID_EVENT",
    ],
  ])("fails by %s with an error of its own", async (_, connect, code) => {
    await expect(opening(connect)).rejects.toMatchObject({ code });
  });

  test("does nothing when the client has left meanwhile", async () => {
    let accepted = false;
    let begin = (): void => {};
    const left = new Promise<void>((resolve) => (begin = resolve));
    class Slow extends WebsocketConsumer {
      override async connect(): Promise<void> {
        await left;
        this.accept();
        expect(this.send("too late")).toBe(false);
        accepted = true;
      }
    }
    const communicator = new WebsocketCommunicator(Slow, "/");
    await expect(communicator.connect(10)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    const gone = communicator.disconnect();
    begin();
    await gone;

    expect(accepted).toBe(true);
  });
});

describe("two sockets of one class", () => {
  test("have an instance and a scope each", async () => {
    class Named extends WebsocketConsumer {
      readonly name = this.scope.query.get("name");
      count = 0;

      override receive(): void {
        this.send(`${this.name} ${++this.count}`);
      }
    }
    const kim = new WebsocketCommunicator(Named, "/?name=kim");
    const lee = new WebsocketCommunicator(Named, "/?name=lee");
    await kim.connect();
    await lee.connect();
    await kim.send("");
    await kim.send("");
    await lee.send("");

    expect([await kim.receiveText(), await kim.receiveText(), await lee.receiveText()]).toEqual([
      "kim 1",
      "kim 2",
      "lee 1",
    ]);
    await kim.disconnect();
    await lee.disconnect();
  });
});

describe("pacing", () => {
  test("waits with drained for a peer that is behind", async () => {
    class SlowPeer extends RecordingConnection {
      catchUp = (): void => {};

      override drained(): Promise<void> {
        return new Promise((resolve) => (this.catchUp = resolve));
      }
    }
    class Stream extends WebsocketConsumer {
      override async receive(): Promise<void> {
        this.send("first");
        await this.drained();
        this.send("second");
      }
    }
    const peer = new SlowPeer(websocketScope("/"));
    const receive = await Stream.asApplication()(peer);
    await receive({ type: "websocket.connect" });
    const handled = receive({ type: "websocket.receive", text: "go" });
    expect(peer.sent.slice(1)).toEqual([{ type: "websocket.send", text: "first" }]);
    peer.catchUp();
    await handled;

    expect(peer.sent.slice(2)).toEqual([{ type: "websocket.send", text: "second" }]);
    await receive({ type: "websocket.disconnect", code: 1000, reason: "" });
  });
});
