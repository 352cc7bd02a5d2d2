import { describe, expect, jest, test } from "@jest/globals";
import { HttpConsumer, type Outgoing, subscribeDiagnostics } from "millrace";
import { HttpCommunicator } from "millrace/testing";
import { RecordingConnection, httpScope } from "../support/recording-connection.ts";
import { gate } from "../support/gate.ts";
import { memoryLayers } from "../support/memory.ts";

const newLayer = memoryLayers();
const layersOf = (layer = newLayer()) => ({ layers: { default: layer } });

/** A consumer that handles its request like this. */
function handling(handle: (this: HttpConsumer, body: Uint8Array) => void | Promise<void>) {
  return class extends HttpConsumer {
    override handle(body: Uint8Array): void | Promise<void> {
      return handle.call(this, body);
    }
  };
}

describe("an http consumer", () => {
  test("answers a POST's body with a response that has headers", async () => {
    const ends: string[] = [];
    class Greeting extends HttpConsumer {
      override async handle(body: Uint8Array): Promise<void> {
        const { name } = JSON.parse(Buffer.from(body).toString()) as { name: string };
        await Promise.resolve();
        this.sendResponse(200, JSON.stringify({ hello: name, method: this.scope.method }), {
          "content-type": "application/json",
        });
      }

      override disconnect(): void {
        ends.push("disconnected");
      }
    }
    const communicator = new HttpCommunicator(Greeting, "post", "/", { body: '{"name":"收"}', ...layersOf() });

    expect(await communicator.getResponse()).toEqual({
      status: 200,
      headers: [["content-type", "application/json"]],
      body: Buffer.from('{"hello":"收","method":"POST"}'),
      text: '{"hello":"收","method":"POST"}',
    });
    expect(ends).toEqual(["disconnected"]);
  });

  test("puts a body together from its parts", async () => {
    const echo = handling(function (body) {
      this.sendResponse(200, body);
    });
    const communicator = new HttpCommunicator(echo, "POST", "/", layersOf());
    await communicator.sendInput({ type: "http.request", body: Buffer.from("one, "), moreBody: true });
    await communicator.sendInput({ type: "http.request", body: new Uint8Array(), moreBody: true });
    await communicator.sendInput({ type: "http.request", body: Buffer.from("two"), moreBody: false });

    expect(await communicator.receiveOutput()).toMatchObject({ type: "http.response.start", status: 200, headers: {} });
    expect((await communicator.receiveBody()).body.toString()).toBe("one, two");
    await communicator.leave();
  });

  test("calls a string plain text unless its headers say otherwise, and bytes nothing", async () => {
    const answer = async (body: string | Uint8Array, headers?: Record<string, string>) =>
      (
        await new HttpCommunicator(
          handling(function () {
            this.sendResponse(201, body, headers);
          }),
          "GET",
          "/",
          layersOf(),
        ).getResponse()
      ).headers;

    expect(await answer("x")).toEqual([["content-type", "text/plain; charset=utf-8"]]);
    expect(await answer("x", { "Content-Type": "text/html" })).toEqual([["Content-Type", "text/html"]]);
    expect(await answer(new Uint8Array([1]))).toEqual([]);
  });

  test("has a new instance for each request", async () => {
    class Counting extends HttpConsumer {
      requests = 0;

      override handle(): void {
        this.sendResponse(200, String(++this.requests));
      }
    }
    const layers = layersOf();
    for (let count = 0; count < 2; count++) {
      expect((await new HttpCommunicator(Counting, "GET", "/", layers).getResponse()).text).toBe("1");
    }
  });

  test("streams, and waits with drained for a client that is behind", async () => {
    class SlowClient extends RecordingConnection {
      catchUp = (): void => {};

      override drained(): Promise<void> {
        return new Promise((resolve) => (this.catchUp = resolve));
      }
    }
    const streaming = handling(async function () {
      this.sendHeaders(200, { "content-type": "text/event-stream" });
      for (const part of ["one", "two"]) {
        this.sendBody(part, { moreBody: true });
        await this.drained();
      }
      this.sendBody("");
    });
    const client = new SlowClient(httpScope("/"));
    const receive = await streaming.asApplication()(client);
    const handled = receive({ type: "http.request", body: new Uint8Array(), moreBody: false });
    const bodies = (): Outgoing[] => client.sent.slice(1);
    expect(bodies()).toHaveLength(1);
    client.catchUp();
    await Promise.resolve();
    expect(bodies()).toHaveLength(2);
    client.catchUp();
    await handled;

    expect(bodies()).toEqual([
      { type: "http.response.body", body: "one", moreBody: true },
      { type: "http.response.body", body: "two", moreBody: true },
      { type: "http.response.body", body: "", moreBody: false },
    ]);
  });
});

describe("a long poll", () => {
  class Poll extends HttpConsumer {
    static ends: string[] = [];
    static onHandle = (): void => {};
    override groups = ["news"];
    #answered = (_text: string): void => {};
    readonly #news = new Promise<string>((resolve) => (this.#answered = resolve));

    override async handle(): Promise<void> {
      Poll.onHandle();
      const left = new Promise<undefined>((resolve) => this.signal.addEventListener("abort", () => resolve(undefined)));
      const text = await Promise.race([this.#news, left]);
      if (text === undefined) Poll.ends.push("left");
      else this.sendResponse(200, text);
    }

    room_news(event: { text: string }): void {
      this.#answered(event.text);
    }

    override disconnect(): void {
      Poll.ends.push("disconnected");
    }
  }

  test("hears its groups while handle waits, and answers at once", async () => {
    Poll.ends = [];
    const layer = newLayer();
    const communicator = new HttpCommunicator(Poll, "GET", "/", layersOf(layer));
    await communicator.request();
    expect(await communicator.receiveNothing(10)).toBe(true);
    await layer.groupSend<Poll>("news", { type: "room.news", text: "it is spring" });

    expect((await communicator.getResponse()).text).toBe("it is spring");
    expect(Poll.ends).toEqual(["disconnected"]);
    expect(layer.stats().members).toBe(0);
  });

  test("is told by its signal when the client leaves, and disconnect comes after handle", async () => {
    Poll.ends = [];
    const layer = newLayer();
    const communicator = new HttpCommunicator(Poll, "GET", "/", layersOf(layer));
    const waits = new Promise<void>((resolve) => (Poll.onHandle = resolve));
    await communicator.request();
    await waits;
    expect(layer.stats().members).toBe(1);
    await communicator.leave();

    expect(Poll.ends).toEqual(["left", "disconnected"]);
    expect(layer.stats().members).toBe(0);
  });
});

describe("an http consumer whose handle does not hear the signal", () => {
  class Deaf extends HttpConsumer {
    static log: string[] = [];
    static entered = gate();
    static held = gate();
    override groups = ["news"];

    override async handle(): Promise<void> {
      Deaf.entered.open();
      await Deaf.held.promise;
      Deaf.log.push("handle ended");
    }

    room_news(): void {
      throw new Error("broken");
    }

    override disconnect(): void {
      Deaf.log.push("disconnected");
    }
  }

  async function waiting(layer = newLayer()): Promise<HttpCommunicator> {
    Deaf.log = [];
    Deaf.entered = gate();
    Deaf.held = gate();
    const communicator = new HttpCommunicator(Deaf, "GET", "/", layersOf(layer));
    await communicator.request();
    await Deaf.entered.promise;
    return communicator;
  }

  test("is disconnected after it all the same, when the client leaves", async () => {
    const communicator = await waiting();
    await expect(communicator.leave(10)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    expect(Deaf.log).toEqual([]);
    Deaf.held.open();
    await communicator.leave();

    expect(Deaf.log).toEqual(["handle ended", "disconnected"]);
  });

  test("is disconnected after it all the same, when another of its handlers fails", async () => {
    const layer = newLayer();
    const communicator = await waiting(layer);
    await layer.groupSend<Deaf>("news", { type: "room.news" });
    expect((await communicator.receiveHead()).status).toBe(500);
    expect(await communicator.receiveBody()).toMatchObject({ moreBody: false });
    expect(Deaf.log).toEqual([]);
    Deaf.held.open();
    await communicator.leave();

    expect(Deaf.log).toEqual(["handle ended", "disconnected"]);
  });

  test("is abandoned after the grace, and named as what was stuck", async () => {
    const abandoned: unknown[] = [];
    const listening = subscribeDiagnostics("millrace:consumer:abandoned", (payload) => abandoned.push(payload));
    const layer = newLayer();
    const communicator = await waiting(layer);
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick"] });
    const gone = communicator.leave();
    await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(10_000);
    await gone;
    listening[Symbol.dispose]();
    jest.useRealTimers();

    expect(Deaf.log).toEqual(["disconnected"]);
    expect(abandoned).toEqual([{ consumer: "Deaf", event: "http.request", dropped: 0 }]);
    expect(layer.stats().members).toBe(0);
    Deaf.held.open();
    await communicator.wait();
    expect(Deaf.log).toEqual(["disconnected", "handle ended"]);
  });
});

describe("an http consumer that fails", () => {
  const failure = new Error("no database");

  test("before its response begins answers with 500 and tells nothing of the failure", async () => {
    const communicator = new HttpCommunicator(
      handling(() => {
        throw failure;
      }),
      "GET",
      "/",
      layersOf(),
    );
    await expect(communicator.getResponse()).rejects.toBe(failure);

    const response = await communicator.getResponse();
    expect(response.status).toBe(500);
    expect(response.text).not.toContain("database");
  });

  test("in the middle of its response breaks it off", async () => {
    const communicator = new HttpCommunicator(
      handling(async function () {
        this.sendHeaders(200);
        this.sendBody("half", { moreBody: true });
        await Promise.reject(failure);
      }),
      "GET",
      "/",
      layersOf(),
    );
    await expect(communicator.receiveHead()).rejects.toBe(failure);
    expect((await communicator.receiveHead()).status).toBe(200);
    expect((await communicator.receiveBody()).body.toString()).toBe("half");
    expect(await communicator.receiveOutput()).toEqual({ type: "http.abort" });
    await communicator.leave();
  });

  test("after its response was whole leaves the response alone", async () => {
    const connection = new RecordingConnection(httpScope("/"));
    const receive = await handling(function () {
      this.sendResponse(200, "done");
      throw failure;
    }).asApplication()(connection);
    await expect(receive({ type: "http.request", body: new Uint8Array(), moreBody: false })).rejects.toBe(failure);

    expect(connection.sent.map(({ type }) => type)).toEqual(["http.response.start", "http.response.body"]);
  });

  test.each<[string, (consumer: HttpConsumer) => void, number | undefined]>([
    ["without any response", () => {}, 500],
    ["with half a response", (consumer) => consumer.sendHeaders(200), undefined],
  ])("by ending %s is told so by ERR_NO_RESPONSE", async (_, handle, status) => {
    const communicator = new HttpCommunicator(
      handling(function () {
        handle(this);
      }),
      "GET",
      "/",
      layersOf(),
    );
    await expect(communicator.receiveHead()).rejects.toMatchObject({ code: "ERR_NO_RESPONSE" });
    if (status !== undefined) expect((await communicator.getResponse()).status).toBe(status);
    await communicator.leave();
  });

  test("in a group's message answers the waiting client with 500, and disconnect still comes after handle", async () => {
    const log: string[] = [];
    const layer = newLayer();
    class Poll extends HttpConsumer {
      override groups = ["news"];

      override async handle(): Promise<void> {
        await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
        log.push("handle ended");
      }

      room_news(): void {
        throw failure;
      }

      override disconnect(): void {
        log.push("disconnected");
      }
    }
    const communicator = new HttpCommunicator(Poll, "GET", "/", layersOf(layer));
    await communicator.request();
    await layer.groupSend<Poll>("news", { type: "room.news" });
    expect((await communicator.getResponse()).status).toBe(500);

    expect(log).toEqual(["handle ended", "disconnected"]);
  });

  test("by an order that http does not know is told at once", async () => {
    const cases: Array<(consumer: HttpConsumer) => void> = [
      (consumer) => void consumer.sendBody("too early"),
      (consumer) => void consumer.sendHeaders(99),
      (consumer) => void consumer.sendBody({} as string),
      (consumer) => {
        consumer.sendHeaders();
        consumer.sendHeaders();
      },
    ];
    for (const send of cases) {
      const communicator = new HttpCommunicator(
        handling(function () {
          send(this);
        }),
        "GET",
        "/",
        layersOf(),
      );
      await expect(communicator.receiveHead()).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(PROTOCOL_STATE|INVALID_EVENT)$/),
      });
      await communicator.leave();
    }
  });
});

describe("a request's body over the limit", () => {
  class Small extends HttpConsumer {
    static handled = 0;
    override maxBody = 4;

    override handle(body: Uint8Array): void {
      Small.handled++;
      this.sendResponse(200, body);
    }
  }

  test("is answered with 413, in one part or in several, and never handled", async () => {
    Small.handled = 0;
    const whole = new HttpCommunicator(Small, "POST", "/", { body: "12345", ...layersOf() });
    expect((await whole.getResponse()).status).toBe(413);

    const parts = new HttpCommunicator(Small, "POST", "/", layersOf());
    await parts.sendInput({ type: "http.request", body: Buffer.from("1234"), moreBody: true });
    await parts.sendInput({ type: "http.request", body: Buffer.from("5"), moreBody: true });
    await parts.sendInput({ type: "http.request", body: Buffer.from("6"), moreBody: true });
    await parts.sendInput({ type: "http.request", body: Buffer.from("7"), moreBody: false });
    expect(await parts.receiveOutput()).toMatchObject({ type: "http.response.start", status: 413 });
    expect(await parts.receiveBody()).toMatchObject({ moreBody: false });
    await parts.leave();
    expect(await parts.receiveNothing(10)).toBe(true);
    expect(Small.handled).toBe(0);
  });

  test("of exactly the limit is handled", async () => {
    const communicator = new HttpCommunicator(Small, "POST", "/", { body: "1234", ...layersOf() });
    expect(await communicator.getResponse()).toMatchObject({ status: 200, text: "1234" });
  });

  test("may be raised where the application is made", async () => {
    const application = Small.asApplication({ maxBody: 5 });
    const communicator = new HttpCommunicator(application, "POST", "/", { body: "12345", ...layersOf() });

    // A field of the class wins over the base class's, and init over both.
    expect((await communicator.getResponse()).text).toBe("12345");
  });
});
