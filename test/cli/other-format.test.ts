import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ChannelLayer } from "millrace";
import { channelLayerFromUrl } from "millrace/redis";
import { RedisServer } from "../support/redis-server.ts";
import { RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

let redis: RedisServer;
let project: Project;
beforeAll(async () => {
  redis = await RedisServer.start();
  project = new Project({
    "app.mjs": 'export { WebsocketConsumer as default } from "millrace"; setTimeout(() => console.log("later"), 1500);',
  });
});
afterAll(async () => {
  project[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

const owned: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one[Symbol.asyncDispose]();
});

/** A layer with a group that has a member. */
async function inUse(url: string): Promise<ChannelLayer> {
  const layer = channelLayerFromUrl(url);
  owned.push(layer);
  const channel = await layer.newChannel(() => {});
  await layer.groupAdd("room", channel.name);
  return layer;
}

function serve(...words: readonly string[]): RunningCommand {
  const command = new RunningCommand(["serve", "app.mjs", "--port", "0", ...words], { folder: project.folder });
  owned.push(command);
  return command;
}

describe("at its start millrace serve", () => {
  test("warns in one line of the other layer's groups, with the URL that shares them", async () => {
    await inUse(`redis+core://127.0.0.1:${redis.port}`);
    const command = serve("--layer", redis.url);
    const [line] = await command.printed(/^Redis at .*$/m, "errors");
    expect(line).toBe(
      `Redis at ${redis.url} holds asgi:group:room of the layer redis+core, and this is the layer redis+pubsub: the two share nothing. To share groups with who uses it, take redis+core://127.0.0.1:${redis.port}`,
    );
  });

  test("warns once, however many processes there are", async () => {
    await inUse(`redis+pubsub://127.0.0.1:${redis.port}`);
    const command = serve("--layer", `redis+core://127.0.0.1:${redis.port}`, "--workers", "3");
    await command.printed(/\[1\] later[^]*\[[23]\] later[^]*\[[23]\] later/);
    await command.printed(/^(?:\[1\] )?Redis at .* holds asgi__group__room /m, "errors");
    expect(command.errors.match(/holds/g)).toHaveLength(1);
  });

  test("says nothing where all use one layer", async () => {
    const url = `redis+pubsub://127.0.0.1:${redis.port}/0?prefix=alone`;
    await inUse(url);
    const command = serve("--layer", url);
    await command.printed(/later/);
    command.process.kill("SIGTERM");
    expect(await command.ended()).toMatchObject({ code: 0, errors: "" });
  });
});
