import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const total = 10_000;

interface Remains {
  readonly heap: number;
  readonly [what: string]: unknown;
}

function start(program: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./leaks/${program}`, import.meta.url));
  return fork(path, args, { execArgv: ["--expose-gc", "-C", "@millrace/source", "--import", "tsx"] });
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, "message")) as [T];
  return message;
}

let server: ChildProcess;
let port: number;
let before: Remains;

beforeAll(async () => {
  server = start("server.ts");
  ({ port, remains: before } = await answer<{ port: number; remains: Remains }>(server));
});

afterAll(() => void server.kill());

/** All clients connect from another process, and are gone in the same moment. */
async function dropAll(): Promise<Remains> {
  server.send({ expect: total });
  await answer(server);
  const clients = start("clients.ts", String(port), String(total));
  expect(await answer(clients)).toEqual({ open: total });
  const remains = answer<{ remains: Remains }>(server);
  clients.kill("SIGKILL");
  return (await remains).remains;
}

test("10,000 connections that vanish without a close frame leave nothing behind, and no heap grows", async () => {
  const { heap: _, ...atStart } = before;
  const { heap: first, ...afterFirst } = await dropAll();
  expect(afterFirst).toEqual(atStart);
  const { heap: second, ...afterSecond } = await dropAll();
  expect(afterSecond).toEqual(atStart);
  expect(second / first).toBeLessThan(1.01);
}, 120_000);
