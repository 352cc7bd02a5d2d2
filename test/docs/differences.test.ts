import { expect, jest, test } from "@jest/globals";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import {
  type Application,
  type ApplicationLike,
  DenyConnection,
  HttpConsumer,
  InMemoryChannelLayer,
  isMillraceError,
  JsonWebsocketConsumer,
  path,
  subscribeDiagnostics,
  URLRouter,
  WebsocketConsumer,
} from "millrace";
import { HttpCommunicator, liveServer, type LiveServerOptions, WebsocketCommunicator } from "millrace/testing";
import { WebSocket } from "ws";
import { tableUnder } from "./blocks.ts";

/** What a client gets for a handshake that is refused. */
async function refusal(application: ApplicationLike, options?: LiveServerOptions) {
  await using server = await liveServer(application, options);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const client = new WebSocket(`${server.websocketUrl}/`);
    client.on("error", () => {});
    client.on("unexpected-response", (request, answer) => {
      resolve(answer);
      request.destroy();
    });
    client.on("open", () => reject(new Error("It was accepted")));
  });
  return { status: response.statusCode, headers: response.headers };
}

/** What a consumer does when a client sends a message to it, seen by a communicator. */
async function opened(application: ApplicationLike, layer?: InMemoryChannelLayer) {
  const client = new WebsocketCommunicator(application, "/", layer === undefined ? {} : { layers: { default: layer } });
  expect((await client.connect()).accepted).toBe(true);
  return client;
}

/** The first time that something is published. */
function published(name: Parameters<typeof subscribeDiagnostics>[0]): Promise<unknown> {
  return new Promise((resolve) => {
    const listening = subscribeDiagnostics(name, (payload: unknown) => {
      listening[Symbol.dispose]();
      resolve(payload);
    });
  });
}

/** Each row of the table, tried. */
const differences: Readonly<Record<string, () => Promise<void>>> = {
  async "no route"() {
    const elsewhere = URLRouter([path("/elsewhere/", WebsocketConsumer)]);
    expect(await refusal(elsewhere)).toMatchObject({ status: 404 });
    const fallback = URLRouter([path("/elsewhere/", WebsocketConsumer), path("/{*rest}", WebsocketConsumer)]);
    await (await opened(fallback)).disconnect();
  },

  async "refused, or closed before it was accepted"() {
    class Closing extends WebsocketConsumer {
      override connect() {
        this.close();
      }
    }
    class Choosing extends WebsocketConsumer {
      override connect() {
        throw new DenyConnection({ status: 401, headers: { "x-why": "no ticket" } });
      }
    }
    expect(await refusal(Closing)).toMatchObject({ status: 403 });
    expect(await refusal(Choosing)).toMatchObject({ status: 401, headers: { "x-why": "no ticket" } });
  },

  async "an error in `connect`"() {
    class Failing extends WebsocketConsumer {
      override connect() {
        throw new Error("no database");
      }
    }
    const error = published("millrace:application:error");
    expect(await refusal(Failing)).toMatchObject({ status: 500 });
    expect(await error).toMatchObject({ error: { message: "no database" }, consumer: "Failing" });
  },

  async "an error in a handler"() {
    await using layer = new InMemoryChannelLayer();
    const calls: unknown[] = [];
    class Failing extends WebsocketConsumer {
      override groups = ["room"];
      override receive() {
        throw new Error("a handler failed");
      }
      override onError(error: Error) {
        calls.push(error.message);
      }
      override disconnect(code: number) {
        calls.push(code);
      }
    }
    const client = await opened(Failing, layer);
    await client.send("hello");
    await expect(client.receiveClose()).rejects.toThrow("a handler failed");
    expect((await client.receiveClose()).code).toBe(1011);
    await client.wait();
    expect(calls).toEqual(["a handler failed", 1011]);
    expect(layer.stats().members).toBe(0);
  },

  async "a message whose type has no handler"() {
    await using layer = new InMemoryChannelLayer();
    class Room extends WebsocketConsumer {
      override groups = ["room"];
      chat_message() {
        this.send("heard");
      }
    }
    const client = await opened(Room, layer);
    const unhandled = published("millrace:consumer:unhandled");
    await layer.groupSend("room", { type: "chat.mesage" });
    expect(await unhandled).toMatchObject({ reason: expect.stringContaining("chat_message") });
    await layer.groupSend("room", { type: "chat.message" });
    expect(await client.receiveText()).toBe("heard");
    await client.disconnect();
  },

  async "which methods a message can reach"() {
    await using layer = new InMemoryChannelLayer();
    class Listed extends WebsocketConsumer {
      static override readonly handlers = { "order.paid": "onPaid" };
      override groups = ["room"];
      onPaid() {
        this.send("paid");
      }
      helper() {
        this.send("a helper was reached");
      }
    }
    const client = await opened(Listed, layer);
    for (const type of ["close", "send", "constructor", "helper", "websocket.receive", "to.string", "order.paid"]) {
      await layer.groupSend("room", { type });
    }
    expect(await client.receiveText()).toBe("paid");
    expect(await client.receiveNothing(20)).toBe(true);
    await client.disconnect();
  },

  async "neither accepted nor refused"() {
    class Silent extends WebsocketConsumer {
      override connect() {}
    }
    expect(await refusal(Silent, { handshakeTimeout: 20 })).toMatchObject({ status: 504 });
  },

  async "a subprotocol that was not offered"() {
    let thrown: unknown;
    class Wishful extends WebsocketConsumer {
      override connect() {
        try {
          this.accept("chat");
        } catch (error) {
          thrown = error;
        }
        this.close();
      }
    }
    await new WebsocketCommunicator(Wishful, "/", { subprotocols: ["json"] }).connect();
    expect(isMillraceError(thrown, "ERR_SUBPROTOCOL_NOT_OFFERED")).toBe(true);
    expect((thrown as Error).message).toContain("json");
  },

  async '`send("")`'() {
    class Empty extends WebsocketConsumer {
      override connect() {
        this.accept();
        this.send("");
      }
    }
    await using server = await liveServer(Empty);
    const client = new WebSocket(server.websocketUrl);
    const [message] = (await once(client, "message")) as [Buffer];
    expect(message).toHaveLength(0);
  },

  async "reason of a close, headers of `accept`"() {
    class Polite extends WebsocketConsumer {
      override connect() {
        this.accept(undefined, { "set-cookie": "seen=1" });
        this.close(4001, "enough");
      }
    }
    await using server = await liveServer(Polite);
    const client = new WebSocket(server.websocketUrl);
    const closed = once(client, "close");
    const [response] = (await once(client, "upgrade")) as [{ headers: object }];
    expect(response.headers).toMatchObject({ "set-cookie": ["seen=1"] });
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, "enough"]);
  },

  async "membership of a group"() {
    await using layer = new InMemoryChannelLayer();
    class Room extends WebsocketConsumer {
      override groups = ["room"];
      chat_message() {
        this.send("still there");
      }
    }
    const client = await opened(Room, layer);
    const now = Date.now();
    const clock = jest.spyOn(Date, "now").mockReturnValue(now + 2 * 86_400_000);
    await layer.groupSend("room", { type: "chat.message" });
    clock.mockRestore();
    expect(await client.receiveText()).toBe("still there");
    await client.disconnect();
  },

  async "over capacity"() {
    await using layer = new InMemoryChannelLayer({ capacity: 1 });
    const ended = new AbortController();
    class Slow extends WebsocketConsumer {
      override groups = ["room"];
      async chat_message() {
        await once(ended.signal, "abort");
      }
    }
    const client = await opened(Slow, layer);
    const overCapacity = published("millrace:layer:over-capacity");
    await layer.groupSend("room", { type: "chat.message" });
    expect((await layer.groupSend("room", { type: "chat.message" })).overCapacity).toBe(1);
    expect(await overCapacity).toMatchObject({ target: "room", members: 1 });
    ended.abort();
    await client.disconnect();
  },

  async "a client that does not read"() {
    class Chatty extends WebsocketConsumer {
      override receive() {
        for (let sent = 0; sent < 1000; sent++) this.send("x".repeat(64 * 1024));
      }
    }
    await using server = await liveServer(Chatty, { closeTimeout: 20 });
    const client = new WebSocket(server.websocketUrl);
    await once(client, "open");
    const dropped = published("millrace:websocket:dropped");
    client.pause();
    client.send("go");
    expect(await dropped).toMatchObject({ reason: "full" });
    client.terminate();
  },

  async "an HTTP consumer that waits"() {
    await using layer = new InMemoryChannelLayer();
    const heard: string[] = [];
    class Waiting extends HttpConsumer {
      override groups = ["room"];
      override async handle() {
        this.sendHeaders();
        this.sendBody("waiting", { moreBody: true });
        await once(this.signal, "abort");
        heard.push("the client left");
      }
      chat_message() {
        this.sendBody("heard", { moreBody: true });
      }
    }
    const client = new HttpCommunicator(Waiting, "GET", "/", { layers: { default: layer } });
    await client.receiveHead();
    await client.receiveBody();
    await layer.groupSend("room", { type: "chat.message" });
    expect((await client.receiveBody()).body.toString()).toBe("heard");
    await client.leave();
    expect(heard).toEqual(["the client left"]);
  },

  async "a router inside a middleware inside a router"() {
    const inner = URLRouter([path("/b/", WebsocketConsumer)]);
    const middleware: Application = (connection) => inner(connection);
    const outer = URLRouter([path("/a/", middleware)]);
    const client = new WebsocketCommunicator(outer, "/a/b/");
    expect((await client.connect()).accepted).toBe(true);
    await client.disconnect();
  },

  async "a time-out in a test"() {
    class Echo extends WebsocketConsumer {
      override receive(text: string) {
        this.send(text);
      }
    }
    const client = await opened(Echo);
    await expect(client.receiveText(1)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    await client.send("still there");
    expect(await client.receiveText()).toBe("still there");
    await client.disconnect();
  },

  async stopping() {
    const ended: number[] = [];
    class Ending extends WebsocketConsumer {
      override async disconnect(code: number) {
        await new Promise(setImmediate);
        ended.push(code);
      }
    }
    const server = await liveServer(Ending);
    const client = new WebSocket(server.websocketUrl);
    await once(client, "open");
    const closed = once(client, "close");
    await server.close();
    expect((await closed)[0]).toBe(1001);
    expect(ended).toEqual([1001]);
  },

  async "no JSON where JSON is expected"() {
    const errors: unknown[] = [];
    class Strict extends JsonWebsocketConsumer {
      override onError(error: Error) {
        errors.push(error);
      }
    }
    const client = await opened(Strict);
    await client.send("{");
    expect((await client.receiveClose()).code).toBe(1007);
    expect(errors).toEqual([]);
  },
};

test.each(tableUnder("docs/guides/from-django-channels.md", "What differs").map(([situation]) => situation ?? ""))(
  "where Millrace differs from Channels: %s",
  async (situation) => {
    expect(Object.keys(differences)).toContain(situation);
    await differences[situation]?.();
  },
);

test("each difference that is tried stands in the table", () => {
  const rows = tableUnder("docs/guides/from-django-channels.md", "What differs").map(([situation]) => situation);
  expect(rows).toEqual(Object.keys(differences));
});

test("README names some of them, by the same words", () => {
  const rows = tableUnder("README.md", "Why").map(([situation]) => situation);
  expect(Object.keys(differences)).toEqual(expect.arrayContaining(rows));
  expect(rows).not.toEqual([]);
});
