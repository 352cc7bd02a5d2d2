import { expect, test } from "@jest/globals";
import { createServer } from "node:http";
import { lifespan } from "millrace";
import { attach } from "millrace/server";

function starting(shutdownTimeout: number) {
  const log: string[] = [];
  let end = (): void => {};
  const started = new Promise<void>((resolve) => (end = resolve));
  const application = lifespan({ startup: () => started, shutdown: () => void log.push("shutdown") });
  const attachment = attach(createServer(), application, { shutdownTimeout });
  return { attachment, log, end: () => end() };
}

test("closing while the application starts waits for it, and then shuts it down", async () => {
  const { attachment, log, end } = starting(10_000);
  const closed = attachment.close();
  end();
  await closed;
  expect(log).toEqual(["shutdown"]);
});

test("closing does not wait for ever for an application to start; one that starts at last is shut down then", async () => {
  const { attachment, log, end } = starting(10);
  await attachment.close();
  expect(log).toEqual([]);
  end();
  await attachment.started;
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual(["shutdown"]);
});
