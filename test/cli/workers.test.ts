import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/redis-sentinel.ts";
import { RedisServer } from "../support/redis-server.ts";
import { type CommandOptions, millrace, type Outcome, RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

const application = `
  import { HttpConsumer, path, ProtocolTypeRouter, URLRouter, WebsocketConsumer } from "millrace";

  class Room extends WebsocketConsumer {
    groups = ["room"];
    connect(): void {
      this.accept();
      this.send(String(process.pid));
    }
    async receive(text: string): Promise<void> {
      if (text === "crash") process.kill(process.pid, "SIGSEGV");
      await this.channelLayer.groupSend("room", { type: "room.said", text } as never);
    }
    room_said(event: { text: string }): void {
      this.send(event.text);
    }
  }

  class Page extends HttpConsumer {
    handle(): void {
      this.sendResponse(200, String(process.pid));
    }
  }

  export const application = ProtocolTypeRouter({
    websocket: URLRouter([path("/room/", Room)]),
    http: URLRouter([path("/pid/", Page)]),
  });
  console.log("loaded by", process.pid);
`;

/** The same in JavaScript, which starts faster. */
const plain = application
  .replaceAll(/: (?:void|string|Promise<void>|\{ text: string \})(?=[ ),])/g, "")
  .replaceAll(" as never", "");

let redis: RedisServer;
let project: Project;
beforeAll(async () => {
  redis = await RedisServer.start();
  project = new Project({ "app.ts": application, "app.mjs": plain });
});
afterAll(async () => {
  project[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

const commands: RunningCommand[] = [];
afterEach(async () => {
  for (const command of commands.splice(0)) {
    killGroup(command);
    await command[Symbol.asyncDispose]();
  }
});

/** Whatever a test has left running is in the process group of its command. */
function killGroup({ process: { pid } }: RunningCommand, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All have ended.
  }
}

function serve(words: readonly string[], options: CommandOptions = {}, module = "app.mjs"): RunningCommand {
  const layer = ["--layer", redis.url];
  const command = new RunningCommand(["serve", module, "--port", "0", ...layer, ...words], {
    folder: project.folder,
    ownGroup: true,
    ...options,
  });
  commands.push(command);
  return command;
}

/** Runs it to its end. */
function outcome(words: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return millrace(["serve", ...words], { folder: project.folder, ...options });
}

/** A member of the room, who knows which process serves it and what it has heard. */
class Member {
  readonly socket: WebSocket;
  readonly heard: string[] = [];
  pid = 0;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/room/`);
    this.socket.on("message", (data: Buffer) => void this.heard.push(data.toString()));
  }

  /** Rejects when the server is not there. */
  static async join(port: number): Promise<Member> {
    const member = new Member(port);
    const [greeting] = (await once(member.socket, "message")) as [Buffer];
    member.pid = Number(greeting.toString());
    return member;
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) await once(this.socket, "message");
  }
}

/** Members until so many processes serve at least one. */
async function membersOf(port: number, processes: number): Promise<Member[]> {
  const members: Member[] = [];
  while (new Set(members.map(({ pid }) => pid)).size < processes) members.push(await Member.join(port));
  return members;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pids: Iterable<number>): Promise<void> {
  for (const pid of pids) await until(async () => !isRunning(pid));
}

/** The processes that have loaded the module, by what they printed. */
function loaded(command: RunningCommand): number[] {
  return Array.from(command.output.matchAll(/loaded by (\d+)/g), ([, pid]) => Number(pid));
}

describe("millrace serve --workers", () => {
  test("serves a TypeScript module in four processes on one port, and joins their sockets", async () => {
    const command = serve(["--workers", "4"], {}, "app.ts");
    await command.printed(/stop .*\n/);
    expect(command.output.match(/Millrace \d/g)).toHaveLength(1);
    expect(command.output).toMatch(/^ {2}served {2}by 4 processes$/m);
    const members = await membersOf(await command.port(), 4);
    for (const [at, { socket }] of members.entries()) socket.send(`message ${at}`);
    await Promise.all(members.flatMap((member) => members.map((_, at) => member.hears(`message ${at}`))));
    expect(new Set(members.map(({ pid }) => pid)).size).toBe(4);
    expect(new Set(loaded(command))).toEqual(new Set(members.map(({ pid }) => pid)));

    const closed = members.map(({ socket }) => once(socket, "close"));
    command.process.kill("SIGTERM");
    for (const [code] of await Promise.all(closed)) expect(code).toBe(1001);
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
    expect(command.output.match(/Stopping/g)).toHaveLength(1);
    await gone(loaded(command));
  });

  test("puts a process's number before each of its lines, the access log too", async () => {
    const command = serve(["--workers", "2", "--access-log"]);
    const port = await command.port();
    expect(command.output).toMatch(/^\[1\] loaded by \d+$/m);
    expect(command.output).toMatch(/^\[2\] loaded by \d+$/m);
    await fetch(`http://127.0.0.1:${port}/pid/`);
    await command.printed(/^\[[12]\] 127.0.0.1 GET \/pid\/ 200 [\d.]+ ms$/m);
  });

  test("starts another process for one that dies, while the others go on on the same port", async () => {
    const command = serve(["--workers", "2"]);
    const port = await command.port();
    const [victim, witness] = await pair(port);
    const lost = once(victim.socket, "close");
    process.kill(victim.pid, "SIGKILL");
    await lost;
    witness.socket.send("still here");
    await witness.hears("still here");
    await command.printed(
      new RegExp(`^Process [12] \\(pid ${victim.pid}\\) was killed by SIGKILL; another starts in 0\\.\\d s\\.$`, "m"),
      "errors",
    );
    const [, next] = await command.printed(/^Process [12] \(pid (\d+)\) serves in its place\.$/m);
    const members = await membersOf(port, 2);
    expect(members.map(({ pid }) => pid)).toContain(Number(next));
    witness.socket.send("and again");
    await Promise.all(members.map((member) => member.hears("and again")));
  });

  test("waits longer each time that a process dies", async () => {
    const command = serve(["--workers", "2"]);
    const port = await command.port();
    const [, number] = (await command.printed(/^\[(\d)\] loaded by (\d+)$/m)) as unknown as [string, string, string];
    let [pid] = loaded(command);
    for (let deaths = 1; deaths <= 3; deaths++) {
      command.forget();
      process.kill(pid ?? 0, "SIGKILL");
      const [, next] = await command.printed(/\(pid (\d+)\) serves in its place/);
      pid = Number(next);
      const [, wait] = /^Process \d .* another starts in ([\d.]+) s\.$/m.exec(command.errors) ?? [];
      // Twice as long each time, and by chance up to a half less.
      const longest = 0.25 * 2 ** (deaths - 1);
      expect(Number(wait)).toBeGreaterThanOrEqual(longest / 2 - 0.05);
      expect(Number(wait)).toBeLessThanOrEqual(longest + 0.05);
    }
    expect(number).toBe("1");
    expect(await Member.join(port)).toBeDefined();
  });

  test("listens on the same port again after all its processes died at once", async () => {
    const command = serve(["--workers", "2"]);
    const port = await command.port();
    for (const pid of loaded(command)) process.kill(pid, "SIGKILL");
    await command.printed(/serves in its place[^]*serves in its place/);
    expect(await membersOf(port, 2)).toBeDefined();
  });

  test("lets its processes end gracefully by themselves when it is killed", async () => {
    const command = serve(["--workers", "2"]);
    const members = await pair(await command.port());
    const closed = members.map(({ socket }) => once(socket, "close"));
    command.process.kill("SIGKILL");
    for (const [code] of await Promise.all(closed)) expect(code).toBe(1001);
    await gone(members.map(({ pid }) => pid));
  });

  test("ends gracefully at a Ctrl+C, which a terminal tells to all processes", async () => {
    const command = serve(["--workers", "2"]);
    const members = await pair(await command.port());
    const closed = members.map(({ socket }) => once(socket, "close"));
    killGroup(command, "SIGINT");
    for (const [code] of await Promise.all(closed)) expect(code).toBe(1001);
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
  });

  test("ends cleanly when a service manager tells all processes to", async () => {
    const command = serve(["--workers", "2"]);
    const members = await pair(await command.port());
    killGroup(command, "SIGTERM");
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
    await gone(members.map(({ pid }) => pid));
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at once, with all its processes, when a second %s comes", async (signal, code) => {
    using stubborn = new Project({
      "app.mjs": plain.replace("room_said(", "disconnect() { return new Promise(() => {}); }\n room_said("),
    });
    const command = serve(["--workers", "2"], { folder: stubborn.folder });
    const members = await pair(await command.port());
    command.process.kill(signal);
    await command.printed(/Stopping/);
    command.process.kill(signal);
    expect(await command.ended()).toMatchObject({ code });
    await gone(members.map(({ pid }) => pid));
  });

  test("replaces a process that somebody tells to end", async () => {
    const command = serve(["--workers", "2"]);
    const [asked] = await pair(await command.port());
    const closed = once(asked.socket, "close");
    process.kill(asked.pid, "SIGTERM");
    expect((await closed)[0]).toBe(1001);
    await command.printed(new RegExp(`\\(pid ${asked.pid}\\) ended with exit code 0; another starts`), "errors");
    await command.printed(/serves in its place/);
  });

  test("replaces one process after another at SIGHUP, and what they serve is new then", async () => {
    using changing = new Project({ "app.mjs": plain });
    const command = serve(["--workers", "2"], { folder: changing.folder });
    const port = await command.port();
    const before = loaded(command);
    changing.write("app.mjs", plain.replace("String(process.pid));\n    }\n  }\n\n  export", '"new");}}\n export'));
    command.process.kill("SIGHUP");
    await command.printed(/^All processes have been restarted\.$/m);
    expect(await (await fetch(`http://127.0.0.1:${port}/pid/`)).text()).toBe("new");
    await gone(before);
    expect(command.errors).toBe("");
  });

  test("keeps its processes at SIGHUP when the new code does not load", async () => {
    using changing = new Project({ "app.mjs": plain });
    const command = serve(["--workers", "2"], { folder: changing.folder });
    const port = await command.port();
    changing.write("app.mjs", 'throw new Error("half written");');
    command.process.kill("SIGHUP");
    await command.printed(/half written[^]*The restart was given up/, "errors");
    expect((await membersOf(port, 2)).map(({ pid }) => pid)).toEqual(
      expect.arrayContaining(loaded(command).slice(0, 2)),
    );
  });

  test("listens on a Unix socket, also where a dead server has left its file", async () => {
    const path = project.path("chat.sock");
    for (const [signal, code] of [
      ["SIGKILL", null],
      ["SIGTERM", 0],
    ] as const) {
      const command = serve(["--workers", "2", "--unix", path]);
      await command.printed(/unix:.*chat\.sock/);
      const socket = new WebSocket(`ws+unix:${path}:/room/`);
      await once(socket, "message");
      socket.terminate();
      command.process.kill(signal);
      expect(await command.ended()).toMatchObject({ code });
    }
  });

  test("serves by itself with --workers 1, with any layer", async () => {
    const command = serve(["--workers", "1", "--layer", "memory:"]);
    await fetch(`http://127.0.0.1:${await command.port()}/pid/`).then(async (response) => {
      expect(await response.text()).toBe(String(command.process.pid));
    });
    expect(command.output).not.toContain("served");
  });
});

describe("millrace serve --workers ends with one line and exit code 1", () => {
  test("when the layer is in memory, because none was given", async () => {
    const { code, output, errors } = await outcome(["app.mjs", "--port", "0", "--workers", "4"]);
    expect(errors).toMatch(
      /^millrace: 4 processes can't share the channel layer default, which is in memory: [^\n]*--layer redis:[^\n]*\n$/,
    );
    expect({ code, banner: output.includes("http") }).toEqual({ code: 1, banner: false });
  });

  test("when the module exports a layer in memory", async () => {
    using own = new Project({
      "app.mjs": `import { InMemoryChannelLayer } from "millrace"; ${plain}
        export const layers = { other: new InMemoryChannelLayer() };`,
    });
    const { code, errors } = await outcome(["app.mjs", "-p", "0", "-w", "2", "--layer", redis.url], {
      folder: own.folder,
    });
    expect(errors).toMatch(/^millrace: 2 processes can't share the channel layer other, [^\n]*\n$/);
    expect(code).toBe(1);
  });

  test("when there is no module", async () => {
    const { code, errors } = await outcome(["gone.ts", "--workers", "3"]);
    expect({ code, errors }).toEqual({ code: 1, errors: "millrace: There is no module gone.ts.\n" });
  });

  test("when the module throws", async () => {
    using broken = new Project({ "app.mjs": 'throw new Error("no database");' });
    const { code, errors } = await outcome(["app.mjs", "-p", "0", "-w", "3"], { folder: broken.folder });
    expect(errors).toMatch(/^millrace: app.mjs failed while it was loaded: no database[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test("when only the later processes can't load it", async () => {
    using broken = new Project({
      "app.mjs": `import { existsSync, writeFileSync } from "node:fs"; ${plain}
        if (existsSync("first")) throw new Error("not a second time");
        writeFileSync("first", "");`,
    });
    const words = ["app.mjs", "-p", "0", "-w", "4", "--layer", redis.url];
    const { code, errors } = await outcome(words, { folder: broken.folder });
    expect(errors).toMatch(/^millrace: app.mjs failed while it was loaded: not a second time[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test("when the module never finishes loading, or ends the process", async () => {
    using never = new Project({ "app.mjs": "await new Promise(() => {});", "exit.mjs": "process.exit(7);" });
    const { code, errors } = await outcome(["app.mjs", "-p", "0", "-w", "2"], { folder: never.folder });
    expect(errors).toMatch(/^millrace: The module was never loaded or started: [^\n]*\n$/);
    expect(code).toBe(1);
    const ended = await outcome(["exit.mjs", "-p", "0", "-w", "2"], { folder: never.folder });
    expect(ended.errors).toMatch(/^millrace: Process 1 \(pid \d+\) ended with exit code 7 before it served.\n$/);
    expect(ended.code).toBe(1);
  });

  test("when the layer can't be reached", async () => {
    const url = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const { code, errors } = await outcome(["app.mjs", "-p", "0", "-w", "3", "--layer", url]);
    expect(errors).toMatch(/^millrace: Can't reach Redis at [^\n]*\n$/);
    expect(errors).not.toContain("secret");
    expect(code).toBe(1);
  });

  test("when its port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const words = ["app.mjs", "--port", String(port), "-w", "3", "--layer", redis.url];
    const { code, errors } = await outcome(words);
    other.close();
    expect(errors).toMatch(
      new RegExp(`^millrace: The server can't listen on 127.0.0.1:${port} [^\\n]*EADDRINUSE[^\\n]*\n$`),
    );
    expect(code).toBe(1);
  });
});

test("a process that can't serve when it is restarted is tried again, until it can", async () => {
  using changing = new Project({ "app.mjs": plain });
  const command = serve(["--workers", "2"], { folder: changing.folder });
  const port = await command.port();
  const [victim, witness] = await pair(port);
  changing.write("app.mjs", 'throw new Error("half written");');
  process.kill(victim.pid, "SIGKILL");
  await command.printed(
    /^millrace: .*half written.*\nProcess \d .*ended with exit code 1; another starts in/m,
    "errors",
  );
  witness.socket.send("still here");
  await witness.hears("still here");
  changing.write("app.mjs", plain);
  await command.printed(/serves in its place/);
  expect(await membersOf(port, 2)).toBeDefined();
});

test("--workers and --reload are refused together, with the reason and exit code 2", async () => {
  const { code, errors } = await outcome(["app.mjs", "--workers", "2", "--reload"]);
  expect(errors).toMatch(/^millrace: --reload and --workers can't be used together: [^\n]*\n$/);
  expect(code).toBe(2);
});

/** A member in each of two processes. */
async function pair(port: number): Promise<[Member, Member]> {
  const members = await membersOf(port, 2);
  const [one] = members;
  const other = members.find(({ pid }) => pid !== one?.pid);
  if (one === undefined || other === undefined) throw new Error("Two processes serve");
  return [one, other];
}
