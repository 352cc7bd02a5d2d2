import { once } from "node:events";
import { existsSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { type CommandOptions, millrace, RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

const application = `
  import { getChannelLayer, HttpConsumer, path, ProtocolTypeRouter, URLRouter, WebsocketConsumer } from "millrace";

  class Echo extends WebsocketConsumer {
    groups = ["all"];
    async receive(text) {
      if (text === "fail") throw new TypeError("the handler's failure");
      if (text === "misspelt") await getChannelLayer().groupSend("all", { type: "all.mesage" });
      else this.send(text);
    }
    all_message() {}
  }

  class Page extends HttpConsumer {
    handle() {
      this.sendResponse(200, "a page");
    }
  }

  export const application = ProtocolTypeRouter({
    websocket: URLRouter([path("/echo/", Echo)]),
    http: URLRouter([path("/page/", Page)]),
  });
`;

const typed = application.replace("receive(text)", "receive(text: string)");

const owned: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one[Symbol.asyncDispose]();
});

function start(project: Project, words: readonly string[], options: CommandOptions = {}): RunningCommand {
  const command = new RunningCommand(["serve", ...words], { folder: project.folder, ...options });
  owned.push(command);
  return command;
}

async function connect(port: number, path = "/echo/"): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(socket, "open");
  return socket;
}

async function exchange(socket: WebSocket, message: string): Promise<string> {
  const answer = once(socket, "message");
  socket.send(message);
  const [data] = (await answer) as [Buffer];
  return data.toString();
}

describe("millrace serve", () => {
  test.each([
    ["JavaScript", "routing.js", "module"],
    ["TypeScript", "routing.ts", "module"],
    ["TypeScript that compiles to CommonJS", "routing.ts", "commonjs"],
  ] as const)("serves a module in %s, and ends cleanly with sockets open", async (_language, file, type) => {
    using project = new Project({ [file]: file.endsWith(".ts") ? typed : application }, type);
    const command = start(project, [file, "--port", "0"]);
    const port = await command.port();
    const socket = await connect(port);
    expect(await exchange(socket, "hello")).toBe("hello");
    const page = await fetch(`http://127.0.0.1:${port}/page/`);
    expect(await page.text()).toBe("a page");

    const closed = once(socket, "close");
    command.process.kill("SIGTERM");
    expect((await closed)[0]).toBe(1001);
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
  });

  test("tells at its start where it is, what it serves and within which limits", async () => {
    using project = new Project({ "routing.js": application });
    const command = start(project, ["routing.js", "-p", "0", "--ws-max-message", "64k", "--ping-interval", "1.5"]);
    await command.printed(/stop/);
    expect(`\n${command.output.replace(/:\d{4,5}/, ":PORT")}`).toMatchInlineSnapshot(`
"
Millrace 0.1.0

  http://127.0.0.1:PORT

  routes  websocket  /echo/  Echo
          http       /page/  Page
  layers  default  memory  100 messages a channel
  limits  message  64 KiB
          ping     after 1.5 s of silence, gone after 30 s more
  reload  off
  stop    Ctrl+C, or SIGTERM

"
`);
  });

  test("compresses messages if it is told to", async () => {
    using project = new Project({ "routing.js": application });
    const [plain, compressing] = [[], ["--compression"]].map((words) =>
      start(project, ["routing.js", "-p", "0", ...words]),
    );
    const message = "again ".repeat(1000);
    for (const [command, extensions] of [
      [plain, ""],
      [compressing, "permessage-deflate"],
    ] as const) {
      const socket = await connect((await command?.port()) ?? 0);
      expect(socket.extensions).toBe(extensions);
      expect(await exchange(socket, message)).toBe(message);
      socket.close();
    }
  });

  test("uses the layers that the module exports, and closes them at its end", async () => {
    using project = new Project({
      "routing.js": `${application}
        import { InMemoryChannelLayer } from "millrace";
        class Layer extends InMemoryChannelLayer {
          async close() {
            await super.close();
            console.log("layer closed");
          }
        }
        export const layers = { default: new Layer({ capacity: 7 }), other: new InMemoryChannelLayer() };`,
    });
    const command = start(project, ["routing.js", "-p", "0"]);
    await command.printed(/layers {2}default {2}memory {2}7 messages a channel\n +other {4}memory {2}100 messages/);
    command.process.kill("SIGTERM");
    expect((await command.ended()).output).toMatch(/layer closed\n$/);
  });

  test("says nothing with --quiet", async () => {
    using project = new Project({ "routing.js": `${application}\nsetTimeout(() => console.log("up"), 0);` });
    const command = start(project, ["routing.js", "--quiet", "-p", "0"]);
    await command.printed(/up/);
    command.process.kill("SIGINT");
    expect(await command.ended()).toEqual({ code: 0, output: "up\n", errors: "" });
  });

  test("takes host and port from the environment", async () => {
    using project = new Project({ "routing.js": application });
    const command = start(project, ["routing.js"], { environment: { HOST: "localhost", PORT: "0" } });
    expect(await command.port()).toBeGreaterThan(0);
  });

  test("listens on a Unix socket under a root path", async () => {
    using project = new Project({ "routing.js": application });
    const path = project.path("chat.sock");
    const command = start(project, ["routing.js", "--unix", path, "--root-path", "/chat/"]);
    await command.printed(/unix:.*chat\.sock at \/chat\//);
    const asked = request({ socketPath: path, path: "/chat/page/" }).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    command.process.kill("SIGTERM");
    expect(await command.ended()).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test("says in one line that its port is in use", async () => {
    using project = new Project({ "routing.js": application });
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const words = ["serve", "routing.js", "--port", String(port)];
    const { code, output, errors } = await millrace(words, { folder: project.folder });
    other.close();
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(errors).toMatch(new RegExp(`^millrace: The server can't listen on 127.0.0.1:${port} .*EADDRINUSE.*\n$`));
  });

  test("says in one line that the application's start-up hook failed", async () => {
    using project = new Project({
      "routing.js": `import { lifespan, ProtocolTypeRouter } from "millrace";
        export default ProtocolTypeRouter({ lifespan: lifespan({ startup() { throw new Error("no database"); } }) });`,
    });
    const { code, output, errors } = await millrace(["serve", "routing.js", "-p", "0"], { folder: project.folder });
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(errors).toMatch(/^millrace: The application's start-up hook failed.*no database.*\n$/);
  });

  test("says in one line what can't be used, with exit code 2", async () => {
    using project = new Project({ "routing.js": application });
    expect(await millrace(["serve", "routing.js", "--prot", "80"], { folder: project.folder })).toEqual({
      code: 2,
      output: "",
      errors: 'millrace: millrace serve has no flag --prot; did you mean "--port"? See millrace serve --help.\n',
    });
    expect(await millrace([], { folder: project.folder })).toMatchObject({ code: 2 });
  });

  test("prints an application's failure with its stack, and a message without a handler as a line", async () => {
    using project = new Project({ "routing.js": application });
    const command = start(project, ["routing.js", "-p", "0"]);
    const port = await command.port();
    (await connect(port)).send("misspelt");
    const [dropped] = await command.printed(/^Echo dropped .*$/m, "errors");
    expect(dropped).toMatch(/of type "all.mesage": .*did you mean "all_message"\?$/);
    command.forget();
    (await connect(port)).send("fail");
    await command.printed(/^ {4}at .*$/m, "errors");
    expect(command.errors).toMatch(
      /^Echo failed in websocket.receive \(\/echo\/\)\nTypeError: the handler's failure\n {4}at .*routing.js:7:/,
    );
  });

  test("prints responses and sockets with --access-log, but no query string", async () => {
    using project = new Project({ "routing.js": application });
    const command = start(project, ["routing.js", "--access-log", "-p", "0"]);
    const port = await command.port();
    await fetch(`http://127.0.0.1:${port}/page/?token=secret`);
    await command.printed(/^127.0.0.1 GET \/page\/ 200 [\d.]+ ms$/m);
    const socket = await connect(port, "/echo/?token=secret");
    await command.printed(/^127.0.0.1 WS \/echo\/ open$/m);
    socket.close(4001, "enough");
    await command.printed(/^127.0.0.1 WS \/echo\/ closed 4001 enough$/m);
    new WebSocket(`ws://127.0.0.1:${port}/nowhere/?token=secret`).on("error", () => {});
    await command.printed(/^WS \/nowhere\/ refused 404/m);
    expect(command.output).not.toContain("secret");
  });

  test("shows control characters instead of sending them to the terminal", async () => {
    using project = new Project({ "routing.js": application });
    const command = start(project, ["routing.js", "--access-log", "-p", "0"]);
    await fetch(`http://127.0.0.1:${await command.port()}/%1b%5b2J%0aforged`);
    const [line] = await command.printed(/GET .*404/);
    expect(line).toBe("GET /\\x1b[2J\\x0aforged 404");
  });

  test("warns of an application that neither accepts nor refuses a socket", async () => {
    using project = new Project({
      "routing.js": application.replace("all_message() {}", "connect() { return new Promise(() => {}); }"),
    });
    const command = start(project, ["routing.js", "-p", "0", "--handshake-timeout", "0.05"]);
    const socket = new WebSocket(`ws://127.0.0.1:${await command.port()}/echo/?token=secret`);
    const [refusal] = (await once(socket, "error")) as [Error];
    expect(refusal.message).toMatch(/504/);
    const [line] = await command.printed(/^A socket was refused with 504 .*$/m, "errors");
    expect(line).toBe(
      "A socket was refused with 504 (/echo/): the application neither accepted nor refused it in time",
    );
  });

  test("lets applications end, and cuts them when that takes too long", async () => {
    using project = new Project({
      "routing.js": application.replace("all_message() {}", "disconnect() { return new Promise(() => {}); }"),
    });
    const command = start(project, ["routing.js", "-p", "0", "--shutdown-timeout", "0.1"]);
    await connect(await command.port());
    command.process.kill("SIGTERM");
    expect(await command.ended()).toMatchObject({
      code: 0,
      errors: expect.stringMatching(/^1 connection had to be cut$/m),
    });
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at once when a second %s comes", async (signal, code) => {
    using project = new Project({
      "routing.js": application.replace("all_message() {}", "disconnect() { return new Promise(() => {}); }"),
    });
    const command = start(project, ["routing.js", "-p", "0"]);
    await connect(await command.port());
    command.process.kill(signal);
    await command.printed(/Stopping/);
    command.process.kill(signal);
    expect(await command.ended()).toMatchObject({ code });
  });

  test("ends while its module is still being loaded", async () => {
    using project = new Project({
      "routing.js": 'console.log("loading"); setInterval(() => {}, 1000); await new Promise(() => {});',
    });
    const command = start(project, ["routing.js", "-p", "0"]);
    await command.printed(/loading/);
    command.process.kill("SIGTERM");
    expect(await command.ended()).toEqual({ code: 0, output: "loading\n", errors: "" });
  });

  test("ends although the module keeps timers", async () => {
    using project = new Project({ "routing.js": `${application}\nsetInterval(() => {}, 1000);` });
    const command = start(project, ["routing.js", "-p", "0"]);
    await command.port();
    command.process.kill("SIGTERM");
    expect(await command.ended()).toMatchObject({ code: 0 });
  });
});
