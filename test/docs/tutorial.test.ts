import { afterAll, afterEach, expect, jest, test } from "@jest/globals";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { on, once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { WebSocket } from "ws";
import { blocksOf, readDocument } from "./blocks.ts";
import { createProject } from "./project.ts";

const document = "docs/tutorial.md";
const blocks = blocksOf(document);
const folders: string[] = [];
const running = new Set<ChildProcess>();

jest.setTimeout(60_000);

afterEach(() => running.forEach((server) => server.kill("SIGKILL")));
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A reader's folder after all up to a heading was typed in, the heading's own section too. */
function typedUpTo(heading: string): string {
  const lines = readDocument(document).split("\n");
  const start = lines.indexOf(`## ${heading}`);
  expect(start).not.toBe(-1);
  const next = lines.findIndex((line, at) => at > start && line.startsWith("## "));
  const folder = createProject();
  folders.push(folder);
  for (const { attributes, code, line } of blocks) {
    const file = attributes.get("file");
    if (file === undefined || line > next) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${code}\n`);
  }
  return folder;
}

/** The command that the document tells to type, by its beginning. */
function command(beginning: string): string {
  const lines = blocks.filter(({ language }) => language === "sh").flatMap(({ code }) => code.split("\n"));
  const found = lines.find((line) => line.startsWith(beginning));
  if (found === undefined) throw new Error(`${document} does not tell to type ${beginning}`);
  return found;
}

/** Serves as the document says, but on a free port and without watching the files. */
async function serve(folder: string): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const [, , ...words] = command("npx millrace serve").replace(" --reload", "").split(" ");
  const program = join(folder, "node_modules/millrace/dist/cli/main.js");
  const server = spawn(process.execPath, [program, ...words, "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(server);
  const ended = once(server, "exit").then(([code]) => code as number | null);
  void ended.finally(() => running.delete(server));
  let printed = "";
  for await (const part of server.stdout) {
    printed += String(part);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    if (url === undefined) continue;
    return {
      url,
      stop: () => {
        server.kill("SIGTERM");
        return ended;
      },
    };
  }
  throw new Error(`The server ended: ${printed}`);
}

/** A client that can wait for its next message. */
class Client {
  readonly #socket: WebSocket;
  readonly #messages: AsyncIterator<unknown[]>;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    // Events that come before they are asked for wait in the iterator.
    this.#messages = onMessages(this.#socket);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  async next(): Promise<string> {
    const { value } = await this.#messages.next();
    return String((value as unknown[])[0]);
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

function onMessages(socket: WebSocket): AsyncIterator<unknown[]> {
  return on(socket, "message")[Symbol.asyncIterator]();
}

test("after its third section there is a server that answers", async () => {
  const server = await serve(typedUpTo("A route"));
  const client = new Client(`${server.url.replace("http", "ws")}/ws/chat/lobby/`);
  expect(await client.next()).toBe("Welcome to lobby.");
  client.send("hello");
  expect(await client.next()).toBe("You said: hello");
  await client.close();
  expect(await server.stop()).toBe(0);
});

test("at its end there is a page, and what one says all hear", async () => {
  const server = await serve(typedUpTo("A test"));
  const page = await fetch(`${server.url}/chat/lobby/`);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await page.text()).toContain("<title>Chat</title>");
  const url = `${server.url.replace("http", "ws")}/ws/chat/lobby/`;
  const [ada, alan] = [new Client(url), new Client(url)];
  for (const client of [ada, alan]) expect(await client.next()).toBe("Welcome to lobby.");
  ada.send("hello, Alan");
  for (const client of [ada, alan]) expect(await client.next()).toBe("hello, Alan");
  alan.send("你好");
  for (const client of [ada, alan]) expect(await client.next()).toBe("你好");
  await Promise.all([ada.close(), alan.close()]);
  expect(await server.stop()).toBe(0);
});

test.each(["npx tsc", "node --import tsx --test"])("at its end %s finds nothing wrong", (beginning) => {
  const line = command(beginning).replace("npx tsc", "node node_modules/typescript/bin/tsc");
  const { status, stdout, stderr } = spawnSync(line, { cwd: typedUpTo("A test"), encoding: "utf8", shell: true });
  expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: expect.any(String) });
});
