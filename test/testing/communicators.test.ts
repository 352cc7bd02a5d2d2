import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { type Application, HttpConsumer, type Incoming, WebsocketConsumer } from "millrace";
import { ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator } from "millrace/testing";
import { caught } from "../support/caught.ts";
import { gate } from "../support/gate.ts";
import { memoryLayers } from "../support/memory.ts";
import { noUnhandledRejections } from "../support/unhandled.ts";

noUnhandledRejections();
const newLayer = memoryLayers();

afterEach(() => {
  jest.useRealTimers();
});

class Echo extends WebsocketConsumer {
  override receive(text: string): void | Promise<void> {
    this.send(text);
  }

  override receiveBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }
}

/** A consumer that answers when the test says so. */
function slowly(held: Promise<void>): typeof Echo {
  return class extends Echo {
    override async receive(text: string): Promise<void> {
      await held;
      this.send(text);
    }
  };
}

describe("a time-out", () => {
  test("is an error that says what was waited for, and cancels nothing", async () => {
    const held = gate();
    const communicator = new WebsocketCommunicator(slowly(held.promise), "/");
    await communicator.connect();
    await communicator.send("patience");
    await expect(communicator.receiveText(5)).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      message: expect.stringContaining("within 5 ms"),
    });
    await expect(communicator.wait(5)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    held.open();

    expect(await communicator.receiveText()).toBe("patience");
    await communicator.disconnect();
  });

  test("of disconnect lets the application end by itself", async () => {
    const held = gate();
    const communicator = new WebsocketCommunicator(slowly(held.promise), "/");
    await communicator.connect();
    await communicator.send("x");
    await expect(communicator.disconnect(1000, "", 5)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    held.open();
    await communicator.disconnect();
  });

  test("of connect may be followed by another connect, which does not open the socket again", async () => {
    const held = gate();
    let connects = 0;
    class Slow extends WebsocketConsumer {
      override async connect(): Promise<void> {
        connects++;
        await held.promise;
        this.accept();
      }
    }
    const communicator = new WebsocketCommunicator(Slow, "/");
    await expect(communicator.connect(5)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    held.open();
    expect(await communicator.connect()).toMatchObject({ accepted: true });
    expect(connects).toBe(1);
    await communicator.disconnect();
  });

  test("in the middle of a response keeps what has come", async () => {
    const held = gate();
    class Slow extends HttpConsumer {
      override async handle(): Promise<void> {
        this.sendHeaders(200, { "x-a": "1" });
        this.sendBody("one, ", { moreBody: true });
        await held.promise;
        this.sendBody("two");
      }
    }
    const communicator = new HttpCommunicator(Slow, "GET", "/");
    await expect(communicator.getResponse(20)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    held.open();

    expect(await communicator.getResponse()).toMatchObject({ status: 200, headers: [["x-a", "1"]], text: "one, two" });
  });

  test("needs no real time of the application: the communicator's limits work beside fake timers", async () => {
    class Delayed extends WebsocketConsumer {
      override async receive(text: string): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        this.send(text);
      }
    }
    jest.useFakeTimers();
    const communicator = new WebsocketCommunicator(Delayed, "/");
    await communicator.connect();
    await communicator.send("in a minute");
    await expect(communicator.receiveText(5)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    await jest.advanceTimersByTimeAsync(60_000);

    expect(await communicator.receiveText()).toBe("in a minute");
    await communicator.disconnect();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("a failure of the application", () => {
  const failure = new Error("broken");

  test("when it is called surfaces at the next call that takes something, once", async () => {
    const communicator = new ApplicationCommunicator(
      () => {
        throw failure;
      },
      { type: "channel", channel: "x" },
    );
    await communicator.sendInput({ type: "x" });
    await expect(communicator.receiveOutput()).rejects.toBe(failure);
    await expect(communicator.receiveOutput(5)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
  });

  test.each<[string, Application]>([
    [
      "throws",
      () => () => {
        throw failure;
      },
    ],
    ["rejects", () => () => Promise.reject(failure)],
    ["rejects when it is called", () => Promise.reject(failure)],
  ])("that %s surfaces at the next call, of whatever kind", async (_, application) => {
    const takes: Array<(communicator: WebsocketCommunicator) => Promise<unknown>> = [
      (communicator) => communicator.connect(),
      (communicator) => communicator.receiveText(),
      (communicator) => communicator.receiveClose(),
      (communicator) => communicator.wait(),
      (communicator) => communicator.disconnect(),
    ];
    for (const take of takes) {
      const communicator = new WebsocketCommunicator(application, "/");
      await communicator.sendInput({ type: "websocket.connect" });
      await expect(take(communicator)).rejects.toBe(failure);
    }
  });

  test("comes before what it has sent, which can be taken after", async () => {
    class Failing extends WebsocketConsumer {
      override receive(): void {
        this.send("last words");
        throw failure;
      }
    }
    const communicator = new WebsocketCommunicator(Failing, "/");
    await communicator.connect();
    await communicator.send("x");
    await expect(communicator.receiveText()).rejects.toBe(failure);
    expect(await communicator.receiveText()).toBe("last words");
    expect(await communicator.receiveClose()).toMatchObject({ code: 1011 });
    await communicator.disconnect();
  });

  test("of a target that is no application surfaces as well", async () => {
    const communicator = new WebsocketCommunicator({} as Application, "/");
    await expect(communicator.connect()).rejects.toMatchObject({ code: "ERR_INVALID_ROUTE" });
  });
});

describe("an unexpected event", () => {
  class Closing extends Echo {
    override receive(text: string): void {
      if (text === "close") this.close(4000);
      else this.send(text);
    }
  }

  test.each<[string, string, (communicator: WebsocketCommunicator) => Promise<unknown>]>([
    ["a close where text was wanted", "close", (communicator) => communicator.receiveText()],
    ["a close where bytes were wanted", "close", (communicator) => communicator.receiveBytes()],
    ["text where bytes were wanted", "text", (communicator) => communicator.receiveBytes()],
    ["text where a close was wanted", "text", (communicator) => communicator.receiveClose()],
  ])("is an error that says what came and what was wanted: %s", async (_, message, take) => {
    const communicator = new WebsocketCommunicator(Closing, "/");
    await communicator.connect();
    await communicator.send(message);
    await expect(take(communicator)).rejects.toMatchObject({
      code: "ERR_UNEXPECTED_EVENT",
      message: expect.stringMatching(/^The application sent websocket\.(close|send); got .*; wanted .*websocket\./),
    });
    await communicator.disconnect();
  });

  test("of a response that is broken off is an error, too", async () => {
    const communicator = new HttpCommunicator(
      (connection) => () => {
        connection.send({ type: "http.abort" });
      },
      "GET",
      "/",
    );
    await expect(communicator.getResponse()).rejects.toMatchObject({ code: "ERR_UNEXPECTED_EVENT" });
  });
});

describe("receiveNothing", () => {
  test("tells silence from a message, which can still be taken", async () => {
    const communicator = new WebsocketCommunicator(Echo, "/");
    await communicator.connect();
    expect(await communicator.receiveNothing(5)).toBe(true);
    await communicator.send("x");
    expect(await communicator.receiveNothing(5)).toBe(false);
    expect(await communicator.receiveText()).toBe("x");
    await communicator.disconnect();
  });

  test("is not silence when the application fails meanwhile", async () => {
    const held = gate();
    const communicator = new WebsocketCommunicator(slowly(held.promise), "/");
    await communicator.connect();
    await communicator.send("x");
    const nothing = communicator.receiveNothing(1000);
    held.fail(new Error("broken"));
    expect(await nothing).toBe(false);
    await expect(communicator.disconnect()).rejects.toThrow("broken");
  });
});

describe("a websocket's communicator", () => {
  test("sends empty messages of both kinds, and JSON", async () => {
    const communicator = new WebsocketCommunicator(Echo, "/");
    await communicator.connect();
    await communicator.send("");
    await communicator.send(new Uint8Array());
    await communicator.sendJson(null);

    expect(await communicator.receiveText()).toBe("");
    expect(await communicator.receiveBytes()).toHaveLength(0);
    expect(await communicator.receiveJson()).toBeNull();
    await communicator.disconnect();
  });

  test.each<[string, string, string, string]>([
    ["/chat/lobby/?token=a%20b#x", "/chat/lobby/", "/chat/lobby/", "token=a%20b"],
    ["wss://user@example.org:8443/r%C3%A4um?q", "/räum", "/r%C3%A4um", "q"],
    ["/user%40example.org/a%2Fb", "/user@example.org/a/b", "/user%40example.org/a%2Fb", ""],
  ])("makes of %s a scope as a transport does", (target, path, rawPath, queryString) => {
    const { scope } = new WebsocketCommunicator(Echo, target, { headers: { "X-Test": "1" }, rootPath: "/app" });

    expect(scope).toMatchObject({ type: "websocket", path, rawPath, queryString, rootPath: "/app" });
    expect(scope.query).toBeInstanceOf(URLSearchParams);
    expect(scope.headers).toEqual({ "x-test": "1" });
  });

  test.each<[unknown, string]>([
    ["/%ff", "ERR_INVALID_PATH"],
    [42, "ERR_INVALID_OPTION"],
    [undefined, "ERR_INVALID_OPTION"],
  ])("refuses the path %p", (target, code) => {
    expect(caught(() => new WebsocketCommunicator(Echo, target as string))).toMatchObject({ code });
  });

  test("gives the scope what routers and middleware would have added", () => {
    const { scope } = new WebsocketCommunicator(Echo, "/", { scope: { user: "kim", params: { room: "lobby" } } });
    expect(scope).toMatchObject({ user: "kim", params: { room: "lobby" } });
  });

  test("ends a session as a transport does: the signal aborts, then the last event comes", async () => {
    const log: unknown[] = [];
    class Watching extends WebsocketConsumer {
      override connect(): void {
        this.signal.addEventListener("abort", () => log.push("abort"));
        this.accept();
      }

      override disconnect(code: number): void {
        log.push([this.signal.aborted, code]);
      }
    }
    const communicator = new WebsocketCommunicator(Watching, "/");
    await communicator.connect();
    await communicator.disconnect(1001);
    await communicator.disconnect(1002);

    expect(log).toEqual(["abort", [true, 1001]]);
  });

  test("hands a plain application the same events as a server does", async () => {
    const events: Incoming[] = [];
    const communicator = new WebsocketCommunicator(
      (connection) => (event) => {
        events.push(event);
        if (event.type === "websocket.connect") connection.send({ type: "websocket.accept" });
        if (event.type === "websocket.receive") connection.send({ type: "websocket.close", code: 4001 });
      },
      "/",
    );
    await communicator.connect();
    await communicator.send("x");
    await communicator.receiveClose();
    await communicator.disconnect();

    expect(events).toEqual([
      { type: "websocket.connect" },
      { type: "websocket.receive", text: "x" },
      { type: "websocket.disconnect", code: 4001, reason: "" },
    ]);
  });
});

describe("an http communicator", () => {
  test("tells a plain application that the exchange is over, once, when the response is whole", async () => {
    const events: string[] = [];
    const communicator = new HttpCommunicator(
      (connection) => (event) => {
        events.push(String(event.type));
        if (event.type !== "http.request") return;
        connection.send({ type: "http.response.start", status: 204 });
        connection.send({ type: "http.response.body", body: "" });
      },
      "delete",
      "/things/1?now",
      { body: "x" },
    );
    expect(communicator.scope).toMatchObject({ type: "http", method: "DELETE", path: "/things/1", queryString: "now" });
    expect(await communicator.getResponse()).toMatchObject({ status: 204, text: "" });
    await communicator.leave();

    expect(events).toEqual(["http.request", "http.disconnect"]);
  });

  test("refuses what a server would refuse", async () => {
    const communicator = new HttpCommunicator(
      (connection) => () => {
        connection.send({ type: "http.response.body", body: "too early" });
      },
      "GET",
      "/",
    );
    await expect(communicator.getResponse()).rejects.toMatchObject({ code: "ERR_PROTOCOL_STATE" });
  });
});

describe("two communicators", () => {
  class Member extends WebsocketConsumer {
    override groups = ["room"];

    override async receive(text: string): Promise<void> {
      await this.channelLayer.groupSend<Member>("room", { type: "room.message", text });
    }

    room_message(event: { text: string }): void {
      this.send(event.text);
    }
  }

  test("with the same layers hear each other", async () => {
    const layers = { default: newLayer() };
    const [kim, lee] = [
      new WebsocketCommunicator(Member, "/", { layers }),
      new WebsocketCommunicator(Member, "/", { layers }),
    ];
    await kim.connect();
    await lee.connect();
    await kim.send("hello");

    expect(await kim.receiveText()).toBe("hello");
    expect(await lee.receiveText()).toBe("hello");
    await kim.disconnect();
    await lee.disconnect();
  });

  test("that were given none do not", async () => {
    const [kim, lee] = [new WebsocketCommunicator(Member, "/"), new WebsocketCommunicator(Member, "/")];
    await kim.connect();
    await lee.connect();
    await kim.send("hello");

    expect(await kim.receiveText()).toBe("hello");
    expect(await lee.receiveNothing(5)).toBe(true);
    await kim.disconnect();
    await lee.disconnect();
  });
});
