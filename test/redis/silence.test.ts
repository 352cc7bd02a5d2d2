import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Silence } from "../../src/redis/silence.ts";
import { RedisServer } from "../support/redis-server.ts";
import { makeLink } from "./support.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function watch(): { readonly silence: Silence; readonly silent: () => number } {
  let times = 0;
  const silence = new Silence(1000, () => times++);
  return { silence, silent: () => times };
}

test("a connection that owes an answer and sends nothing is silent, once its time is over", async () => {
  const { silence, silent } = watch();
  void silence.owe(new Promise(() => {}));
  await jest.advanceTimersByTimeAsync(999);
  expect(silent()).toBe(0);
  await jest.advanceTimersByTimeAsync(2);
  expect(silent()).toBe(1);
  silence.end();
});

test("one that sends is not, and neither is one that owes nothing", async () => {
  const { silence, silent } = watch();
  await silence.owe(Promise.resolve());
  await jest.advanceTimersByTimeAsync(5000);
  void silence.owe(new Promise(() => {}));
  for (let count = 0; count < 5; count++) {
    await jest.advanceTimersByTimeAsync(900);
    silence.heard();
  }
  expect(silent()).toBe(0);
  await jest.advanceTimersByTimeAsync(1001);
  expect(silent()).toBe(1);
});

test("an answer that arrived while the process itself stood still is no silence", async () => {
  jest.useRealTimers();
  await using server = await RedisServer.start();
  const lost: unknown[] = [];
  await using link = makeLink(server.url, { probeTimeout: 0.2, onDown: (_, reason) => void lost.push(reason) });
  await link.connect();
  for (let count = 0; count < 3; count++) {
    const answer = link.call("PING");
    // The command goes out, and its answer comes while nobody looks.
    await new Promise((resolve) => void setImmediate(resolve));
    const end = performance.now() + 500;
    while (performance.now() < end);
    expect(await answer).toBe("PONG");
  }
  expect(lost).toEqual([]);
});
