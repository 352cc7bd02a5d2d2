import { rmSync } from "node:fs";
import { afterEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { WebSocket } from "ws";
import { RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

const owned: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one[Symbol.asyncDispose]();
});

const routing = `
  import { HttpConsumer } from "millrace";
  import { answer } from "./answers/answer.ts";

  export default class extends HttpConsumer {
    handle() {
      this.sendResponse(200, answer);
    }
  }
  console.log("process " + process.pid);
`;

const answer = (text: string): string => `export const answer: string = "${text}";`;

function start(project: Project, ownGroup = false): RunningCommand {
  const command = new RunningCommand(["serve", "routing/routing.ts", "--reload", "-p", "0"], {
    folder: project.folder,
    ownGroup,
  });
  owned.push(command);
  return command;
}

function newProject(): Project {
  return new Project({ "routing/routing.ts": routing, "routing/answers/answer.ts": answer("first") });
}

/** What the server that was started last answers. */
async function ask(command: RunningCommand): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${await command.port()}/`);
  return response.text();
}

async function processId(command: RunningCommand): Promise<number> {
  const [, id] = await command.printed(/process (\d+)\n/);
  return Number(id);
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

describe("millrace serve --reload", () => {
  test("serves the new code after a source file was saved, and ends with all its processes", async () => {
    using project = newProject();
    const command = start(project);
    await command.printed(/reload {2}when a source file in .* is saved\n/);
    expect(await ask(command)).toBe("first");
    const first = await processId(command);

    command.forget();
    project.write("routing/answers/answer.ts", answer("second"));
    await command.printed(/^routing\/answers\/answer.ts changed; restarting.\n/m);
    await command.printed(/^Serving again at /m);
    expect(await ask(command)).toBe("second");
    const second = await processId(command);
    expect(isRunning(first)).toBe(false);

    command.process.kill("SIGTERM");
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
    expect(isRunning(second)).toBe(false);
  });

  test("tells of a syntax error and of a module that throws, and serves again when they are gone", async () => {
    using project = newProject();
    const command = start(project);
    expect(await ask(command)).toBe("first");

    command.forget();
    project.write("routing/answers/answer.ts", "export const answer = ;");
    await command.printed(/^millrace: .*Unexpected ";" \(routing\/answers\/answer.ts:1\).\n/m, "errors");
    await command.printed(/^Stopped with exit code 1; waiting for a change.\n/m);

    command.forget();
    project.write("routing/answers/answer.ts", `${answer("never")} throw new Error("not yet");`);
    await command.printed(/not yet/, "errors");
    await command.printed(/waiting for a change/);

    command.forget();
    project.write("routing/answers/answer.ts", answer("third"));
    expect(await ask(command)).toBe("third");
  });

  test("waits for a change when the module fails at the very first", async () => {
    using project = newProject();
    rmSync(project.path("routing/answers"), { recursive: true });
    const command = start(project);
    await command.printed(/Cannot find module/, "errors");
    await command.printed(/waiting for a change/);
    // The folder is new, and so are the files in it.
    project.write("routing/answers/answer.ts", answer("found"));
    expect(await ask(command)).toBe("found");
  });

  test("overlooks what is no source file, and what lies in ignored folders", async () => {
    using project = newProject();
    const command = start(project);
    const first = await processId(command);
    await command.port();
    for (const path of ["notes.txt", "dist/built.js", ".cache/made.js", "node_modules/other/index.js"]) {
      project.write(path, "");
    }
    command.forget();
    project.write("routing/answers/answer.ts", answer("seen"));
    await command.printed(/changed; restarting/);
    expect(command.output).toContain("routing/answers/answer.ts changed; restarting.");
    expect(await processId(command)).not.toBe(first);
  });

  test("closes sockets with 1001 when it restarts", async () => {
    using project = newProject();
    project.write("routing/routing.ts", 'export { WebsocketConsumer as default } from "millrace";');
    const command = start(project);
    const socket = new WebSocket(`ws://127.0.0.1:${await command.port()}/`);
    await once(socket, "open");
    const closed = once(socket, "close");
    project.write("routing/new.ts", "");
    expect((await closed)[0]).toBe(1001);
  });

  test("ends with exit code 1 when it can't listen, because no change helps", async () => {
    using project = newProject();
    const other = start(project);
    const port = await other.port();
    const words = ["serve", "routing/routing.ts", "--reload", "-p", String(port)];
    await using command = new RunningCommand(words, { folder: project.folder });
    expect(await command.ended()).toMatchObject({ code: 1, errors: expect.stringMatching(/^millrace: .*EADDRINUSE/) });
  });

  test("says in one line that there is no such module", async () => {
    using project = newProject();
    await using command = new RunningCommand(["serve", "gone.ts", "--reload"], { folder: project.folder });
    expect(await command.ended()).toEqual({ code: 1, output: "", errors: "millrace: There is no module gone.ts.\n" });
  });

  test("ends cleanly at a Ctrl+C, which a terminal tells to parent and child", async () => {
    using project = newProject();
    const command = start(project, true);
    await command.port();
    const { pid } = command.process;
    if (pid === undefined) throw new Error("The command was not started");
    process.kill(-pid, "SIGINT");
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
  });

  test("takes its child along when it is killed", async () => {
    using project = newProject();
    const command = start(project);
    await command.port();
    command.process.kill("SIGKILL");
    // The child holds the same output, and it counts as closed only when both have let go.
    expect(await command.ended()).toMatchObject({ code: null });
  });
});
