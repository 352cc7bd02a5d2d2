import { describe, expect, jest, test } from "@jest/globals";
import { InMemoryChannelLayer } from "millrace";
import { type CommunicatorResponse, HttpCommunicator, WebsocketCommunicator } from "millrace/testing";
import { LongPollingConsumer } from "../../consumers/lesson/long-polling.ts";
import { NumberedQueue } from "../../consumers/lesson/numbered-queue.ts";
import { PollingConsumer } from "../../consumers/lesson/polling.ts";
import { UserQueues } from "../../consumers/lesson/user-queues.ts";
import { LessonConsumer } from "../../consumers/lesson/with-a-consumer.ts";

const message = (id: string): { id: string; text: string } => ({ id, text: `text of ${id}` });

describe("polling", () => {
  const polling = (): Ask => asking(PollingConsumer.asApplication({ list: new NumberedQueue(100) }));

  test("answers at once, with nothing where nothing is new", async () => {
    const ask = polling();
    expect(await ask("GET", "/?after=")).toEqual({ messages: [], last: 0, lost: 0 });
  });

  test("answers with what came since the last question, in order", async () => {
    const ask = polling();
    for (const id of ["a", "b", "c"]) await ask("POST", "/", message(id));
    expect(await ask("GET", "/?after=1")).toEqual({ messages: [message("b"), message("c")], last: 3, lost: 0 });
  });

  test("shows a newcomer nothing that was sent before it came", async () => {
    const ask = polling();
    await ask("POST", "/", message("a"));
    expect(await ask("GET", "/?after=")).toEqual({ messages: [], last: 1, lost: 0 });
  });

  test("tells how many messages were pushed off the list", async () => {
    const ask = polling();
    for (let at = 1; at <= 103; at++) await ask("POST", "/", message(String(at)));
    expect(await ask("GET", "/?after=1")).toMatchObject({ last: 103, lost: 2 });
  });

  test("goes on where a number is from before a restart", async () => {
    const ask = polling();
    await ask("POST", "/", message("a"));
    expect(await ask("GET", "/?after=57")).toEqual({ messages: [message("a")], last: 1, lost: 0 });
  });

  test.each(["", "no JSON", "null", "{}", '{"id":1,"text":"x"}', JSON.stringify({ id: "a", text: "x".repeat(201) })])(
    "refuses %j with 400",
    async (body) => {
      const response = await new HttpCommunicator(PollingConsumer, "POST", "/", { body }).getResponse();
      expect(response.status).toBe(400);
    },
  );

  test("tells the size of a request's head", async () => {
    const headers = { host: "localhost", accept: "*/*" };
    const response = await new HttpCommunicator(PollingConsumer, "GET", "/a/?b=c", { headers }).getResponse();
    const head = "GET /a/?b=c HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n";
    expect(headerOf(response, "request-bytes")).toBe(String(head.length));
  });
});

describe("long polling", () => {
  const longPolling = (hold = 30_000): Ask => {
    return asking(LongPollingConsumer.asApplication({ queues: new UserQueues(), hold }));
  };

  test("holds a question, and answers it as soon as a message is there", async () => {
    const ask = longPolling();
    await ask("GET", "/?user=ada");
    const held = ask("GET", "/?user=ada&after=0");
    expect(await Promise.race([held, ask("GET", "/?user=bob")])).toEqual({ messages: [], last: 0, lost: 0 });
    await ask("POST", "/", message("a"));
    expect(await held).toEqual({ messages: [message("a")], last: 1, lost: 0 });
  });

  test("holds a question for 30 seconds at most", async () => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "performance", "queueMicrotask"] });
    try {
      const layers = { default: new InMemoryChannelLayer() };
      const application = LongPollingConsumer.asApplication({ queues: new UserQueues() });
      const question = new HttpCommunicator(application, "GET", "/?user=ada&after=0", { layers });
      await question.request();
      while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
      jest.advanceTimersByTime(29_999);
      expect(await question.receiveNothing(20)).toBe(true);
      jest.advanceTimersByTime(1);
      expect(JSON.parse((await question.getResponse()).text)).toEqual({ messages: [], last: 0, lost: 0 });
    } finally {
      jest.useRealTimers();
    }
  });

  test("loses nothing between two questions", async () => {
    const ask = longPolling();
    await ask("GET", "/?user=ada");
    for (const id of ["a", "b"]) await ask("POST", "/", message(id));
    expect(await ask("GET", "/?user=ada&after=0")).toMatchObject({ messages: [message("a"), message("b")], last: 2 });
  });

  test("answers again what the user did not say it has", async () => {
    const ask = longPolling(20);
    await ask("GET", "/?user=ada");
    await ask("POST", "/", message("a"));
    const lost = await ask("GET", "/?user=ada&after=0");
    expect(await ask("GET", "/?user=ada&after=0")).toEqual(lost);
    expect(await ask("GET", "/?user=ada&after=1")).toEqual({ messages: [], last: 1, lost: 0 });
  });

  test("has a queue for each user", async () => {
    const ask = longPolling();
    for (const user of ["ada", "bob"]) await ask("GET", `/?user=${user}`);
    await ask("POST", "/", message("a"));
    for (const user of ["ada", "bob"]) {
      expect(await ask("GET", `/?user=${user}&after=0`)).toMatchObject({ messages: [message("a")] });
    }
  });

  test("lets go of a question whose client has left", async () => {
    const layer = new InMemoryChannelLayer();
    const application = LongPollingConsumer.asApplication({ queues: new UserQueues() });
    const question = new HttpCommunicator(application, "GET", "/?user=ada&after=0", { layers: { default: layer } });
    await question.request();
    // It is a member just before it is held.
    while (layer.stats().members === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await question.leave();
    expect(layer.stats()).toEqual({ channels: 0, groups: 0, members: 0, waiting: 0 });
  });

  test("refuses a question without a user with 400", async () => {
    const response = await new HttpCommunicator(LongPollingConsumer, "GET", "/?user=%22").getResponse();
    expect(response.status).toBe(400);
  });
});

describe("a user's queue", () => {
  test("keeps the last hundred messages, and tells how many are gone", () => {
    const queues = new UserQueues();
    queues.of("ada");
    for (let at = 1; at <= 130; at++) queues.push(message(String(at)));
    const batch = queues.of("ada").after(0);
    expect(batch).toMatchObject({ last: 130, lost: 30 });
    expect(batch.messages.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, at) => String(at + 31)));
  });

  test("makes room for others when its user has not asked for longest", () => {
    const queues = new UserQueues();
    for (let at = 0; at < 1000; at++) queues.of(`user${at}`);
    queues.of("user0");
    queues.of("one more");
    queues.push(message("a"));
    const lasts = ["user0", "user1", "user2"].map((user) => queues.of(user).after(0).last);
    // Asking for user1, who was gone, made user2 the one to go.
    expect(lasts).toEqual([1, 0, 0]);
  });
});

describe("the lesson's consumer", () => {
  test("tells everybody what one says", async () => {
    const layers = { default: new InMemoryChannelLayer() };
    const clients = [1, 2, 3].map(() => new WebsocketCommunicator(LessonConsumer, "/", { layers }));
    for (const client of clients) await client.connect();
    await clients[0]?.send("hello");
    for (const client of clients) expect(await client.receiveText()).toBe("hello");
  });
});

type Ask = (method: string, target: string, content?: unknown) => Promise<unknown>;

/** Asks an application as its page does, over one layer. */
function asking(application: ConstructorParameters<typeof HttpCommunicator>[0]): Ask {
  const layers = { default: new InMemoryChannelLayer() };
  return async (method, target, content) => {
    const body = content === undefined ? "" : JSON.stringify(content);
    const response = await new HttpCommunicator(application, method, target, { layers, body }).getResponse();
    expect(response.status).toBe(method === "POST" ? 202 : 200);
    return JSON.parse(response.text) as unknown;
  };
}

function headerOf({ headers }: CommunicatorResponse, name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}
