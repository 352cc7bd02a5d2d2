import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { RedisServer } from "../support/redis-server.ts";
import { type CommandOptions, millrace, RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

const application = `
  import { WebsocketConsumer } from "millrace";

  export default class Room extends WebsocketConsumer {
    groups = ["room"];
    async receive(text) {
      await this.channelLayer.groupSend("room", { type: "room.said", text });
    }
    room_said(event) {
      this.send(event.text);
    }
  }
`;

let project: Project;
let redis: RedisServer;
beforeAll(async () => {
  project = new Project({ "app.mjs": application });
  redis = await RedisServer.start();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

const commands: RunningCommand[] = [];
afterEach(async () => {
  for (const command of commands.splice(0)) await command[Symbol.asyncDispose]();
});

function serve(words: readonly string[], options: CommandOptions = {}): RunningCommand {
  const command = new RunningCommand(["serve", "app.mjs", "--port", "0", ...words], {
    folder: project.folder,
    ...options,
  });
  commands.push(command);
  return command;
}

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(socket, "open");
  return socket;
}

describe("millrace serve --layer", () => {
  test.each(["redis", "redis+pubsub", "redis+core"])("joins processes through %s", async (scheme) => {
    const url = `${scheme}://127.0.0.1:${redis.port}`;
    const [one, other] = [serve(["--layer", url]), serve([], { environment: { CHANNEL_LAYER_URL: url } })];
    const [speaker, listener] = [await open(await one.port()), await open(await other.port())];
    const heard = once(listener, "message");
    speaker.send("hello");
    const [message] = (await heard) as [Buffer];
    expect(message.toString()).toBe("hello");
    await other.printed(/layers {2}default {2}redis\+(pubsub|core)/);
  });

  test("says when Redis is lost, and when it is back with what may be missing", async () => {
    await using lost = await RedisServer.start();
    const server = serve(["--layer", `redis://127.0.0.1:${lost.port}`]);
    await open(await server.port());
    await lost.kill();
    const [, since] = await server.printed(
      /^The channel layer redis\+pubsub may miss messages since (\S+): /m,
      "errors",
    );
    await lost.restart();
    const [, from] = await server.printed(/is well again; messages from (\S+) to \S+ may be missing/, "errors");
    expect(from).toBe(since);
  });

  test("ends with one line when Redis is not there, and names the place without the password", async () => {
    const url = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const { code, errors } = await millrace(["serve", "app.mjs", "--port", "0", "--layer", url], {
      folder: project.folder,
    });
    expect(code).toBe(1);
    expect(errors).toMatch(/^[^\n]*127\.0\.0\.1:\d+[^\n]*\n$/);
    expect(errors).not.toContain("secret");
  });

  test("ends with one line when the URL is none", async () => {
    const { code, errors } = await millrace(["serve", "app.mjs", "--layer", "postgres://localhost"], {
      folder: project.folder,
    });
    expect(code).toBe(1);
    expect(errors).toMatch(/^[^\n]*no URL of a channel layer[^\n]*\n$/);
  });
});
