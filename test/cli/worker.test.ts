import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { freePort } from "../support/free-port.ts";
import { RedisServer } from "../support/redis-server.ts";
import { type CommandOptions, millrace, type Outcome, RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

const application = `
  import { ChannelNameRouter, Consumer, ProtocolTypeRouter } from "millrace";

  class ThumbnailConsumer extends Consumer {
    async thumbnail_make({ image }) {
      console.log("makes " + image);
      if (image === "broken.png") throw new Error("That is no image");
      if (image === "slow.png") await new Promise((resolve) => process.once("SIGUSR2", resolve));
      console.log("made " + image);
    }
  }
  class EmailConsumer extends Consumer {
    email_send() {
      console.log("sent");
    }
  }
  export const application = ProtocolTypeRouter({
    channel: ChannelNameRouter({ thumbnails: ThumbnailConsumer, emails: EmailConsumer }),
  });
  export const pages = ProtocolTypeRouter({});
`;

let project: Project;
let redis: RedisServer;
let layer: RedisPubSubChannelLayer;
beforeAll(async () => {
  project = new Project({ "app.mjs": application });
  redis = await RedisServer.start();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

const commands: RunningCommand[] = [];
beforeEach(() => {
  layer = new RedisPubSubChannelLayer({ hosts: [redis.url] });
});
afterEach(async () => {
  for (const command of commands.splice(0)) await command[Symbol.asyncDispose]();
  await redis.command("FLUSHALL");
  await layer.close();
});

function worker(words: readonly string[] = [], options: CommandOptions = {}): RunningCommand {
  const command = new RunningCommand(["worker", "app.mjs", "--layer", redis.url, ...words], {
    folder: project.folder,
    ...options,
  });
  commands.push(command);
  return command;
}

function jobs(...words: readonly string[]): Promise<Outcome> {
  return millrace(["jobs", ...words], { folder: project.folder, environment: { CHANNEL_LAYER_URL: redis.url } });
}

describe("millrace worker", () => {
  test("tells what it works off, runs what is sent there, and ends at SIGTERM", async () => {
    const running = worker(["--channels", "thumbnails", "--concurrency", "2"]);
    await running.printed(/channels {2}thumbnails {2}ThumbnailConsumer\n/);
    await running.printed(/layer {5}redis\+pubsub\n/);
    await running.printed(/2 jobs of each channel at once\n/);
    await running.printed(/stop/);
    expect(running.output).not.toContain("emails");
    await layer.send("thumbnails", { type: "thumbnail.make", image: "cat.png" });
    await running.printed(/^made cat\.png$/m);
    running.process.kill("SIGTERM");
    const { code, output, errors } = await running.ended();
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/Stopping;.* once more ends it at once\.\n$/);
  });

  test("works off all channels of the routes when it is told none", async () => {
    const running = worker();
    await running.printed(/thumbnails {2}ThumbnailConsumer\n +emails {6}EmailConsumer\n/);
    await layer.send("emails", { type: "email.send" });
    await expect(running.printed(/^sent$/m)).resolves.toBeDefined();
  });

  test("lets a job end before it ends itself", async () => {
    const running = worker(["--shutdown-timeout", "60"]);
    await running.printed(/stop/);
    await layer.send("thumbnails", { type: "thumbnail.make", image: "slow.png" });
    await running.printed(/^makes slow\.png$/m);
    running.process.kill("SIGINT");
    await running.printed(/Stopping; 1 job may end before; once more ends it at once\./);
    running.process.kill("SIGUSR2");
    const { code, output } = await running.ended();
    expect(code).toBe(0);
    expect(output).toContain("made slow.png");
  });

  test("prints a failure, that it tries again, and that it sets aside; and the job can be looked after", async () => {
    const running = worker(["--max-attempts", "2", "--retry-delay", "0.01", "--quiet"]);
    await redisHas("asgi:worker:{thumbnails}");
    await layer.send("thumbnails", { type: "thumbnail.make", image: "broken.png" });
    await running.printed(
      /ThumbnailConsumer failed in thumbnail\.make \(thumbnails\)\nError: That is no image/,
      "errors",
    );
    await running.printed(
      /The job \S+ of thumbnails \("thumbnail\.make"\) failed at its try 1, and it is tried/,
      "errors",
    );
    const [, id = ""] = await running.printed(
      /The job (\S+) of thumbnails was set aside after 2 tries: That is no image See millrace jobs thumbnails --show \1/,
      "errors",
    );
    const listed = await jobs("thumbnails");
    expect(listed.code).toBe(0);
    expect(listed.output).toMatch(/^thumbnails: 0 waiting, 0 running, 0 to be tried again, 1 set aside\n/);
    expect(listed.output).toMatch(
      /ID +TYPE +SENT +TRIED +WHY\n\S+ +thumbnail\.make +\S+ \S+ +2 +failed: That is no image/,
    );
    const shown = await jobs("thumbnails", "--show", id);
    expect(shown.output).toContain('"image": "broken.png"');
    expect(shown.output).toMatch(/^state +aside$/m);
    running.forget();
    const again = await jobs("thumbnails", "--requeue", id);
    expect(again).toMatchObject({ code: 0, output: "1 job of thumbnails will run again.\n" });
    await running.printed(/was set aside after 2 tries/, "errors");
    await expect(jobs("thumbnails", "--discard", "all")).resolves.toMatchObject({
      output: "1 job of thumbnails dropped.\n",
    });
    expect(running.output).not.toContain("Millrace");
  });

  test("warns where a Django site uses the other layer, whose jobs it would never see", async () => {
    await redis.command("ZADD", "asgi:group:room", 1, "specific.x!y");
    const running = worker();
    await expect(running.printed(/holds asgi:group:room of the layer redis\+core/, "errors")).resolves.toBeDefined();
  });

  test("says when it has lost Redis, and when it has it again", async () => {
    await using lost = await RedisServer.start();
    const running = worker(["--layer", lost.url]);
    await running.printed(/stop/);
    await lost.kill();
    await running.printed(/^The worker has lost Redis, and takes no jobs: /m, "errors");
    await lost.start();
    await expect(running.printed(/^The worker has Redis again; /m, "errors")).resolves.toBeDefined();
  });

  test.each([
    ["has no layer behind Redis", ["app.mjs"], /can't share the channel layer memory/],
    ["has another's channel", ["app.mjs", "--channels", "thumbnials"], /did you mean "thumbnails"\?/],
    ["has no channels", ["app.mjs#pages"], /has no background channels/],
    ["has a channel that is a consumer's", ["app.mjs", "--channels", "a!b"], /belongs to one consumer/],
  ])("ends with one line when it %s", async (_why, words, line) => {
    const layerFlag = words.length === 1 && words[0] === "app.mjs" ? [] : ["--layer", redis.url];
    const { code, errors } = await millrace(["worker", ...words, ...layerFlag], { folder: project.folder });
    expect(errors).toMatch(line);
    expect(errors).toMatch(/^[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test("ends with one line when Redis is not there", async () => {
    const url = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const { code, errors } = await millrace(["worker", "app.mjs", "--layer", url], { folder: project.folder });
    expect(errors).toMatch(/^[^\n]*127\.0\.0\.1:\d+[^\n]*\n$/);
    expect(errors).not.toContain("secret");
    expect(code).toBe(1);
  });
});

describe("millrace jobs", () => {
  test("says that a channel has none yet", async () => {
    const { code, output } = await jobs("never");
    expect({ code, output }).toEqual({
      code: 1,
      output: "No worker has served never yet, and messages to it are not kept for one.\n",
    });
    await using sender = new RedisPubSubChannelLayer({ hosts: [redis.url], workerChannels: ["emails", "thumbnails"] });
    for (const channel of ["emails", "thumbnails"]) await sender.send(channel, { type: "email.send" });
    await expect(jobs("thumbnials")).resolves.toMatchObject({
      code: 1,
      output:
        "No worker has served thumbnials yet, and messages to it are not kept for one; " +
        'did you mean "thumbnails"? Jobs are kept of emails, thumbnails.\n',
    });
  });

  test("lists what waits, as a table or as JSON, and purges", async () => {
    await using sender = new RedisPubSubChannelLayer({ hosts: [redis.url], workerChannels: ["emails"] });
    for (let count = 0; count < 3; count++) await sender.send("emails", { type: "email.send", at: 2n ** 63n });
    const table = await jobs("emails", "--list", "waiting", "--limit", "2");
    expect(table.output).toMatch(/^emails: 3 waiting, .*; the oldest was sent \d+ s ago\n/);
    expect(table.output).toMatch(/… and 1 more: --limit 3\n$/);
    const json = JSON.parse((await jobs("emails", "--list", "waiting", "--json")).output) as {
      jobs: Array<{ id: string }>;
    };
    expect(json).toMatchObject({ channel: "emails", kept: true, waiting: 3, aside: 0, state: "waiting" });
    expect(json.jobs).toHaveLength(3);
    const [first] = json.jobs;
    const shown = await jobs("emails", "--show", first?.id ?? "", "--json");
    expect(JSON.parse(shown.output)).toMatchObject({ message: { type: "email.send", at: "9223372036854775808" } });
    await expect(jobs("emails", "--discard", first?.id ?? "")).resolves.toMatchObject({ code: 0 });
    await expect(jobs("emails", "--discard", first?.id ?? "")).resolves.toMatchObject({ code: 1 });
    await expect(jobs("emails", "--purge")).resolves.toMatchObject({
      output: "2 jobs of emails dropped; nothing is kept for its workers any more.\n",
    });
  });

  test.each([
    [["emails", "--show", "1", "--purge"], 2, /does one thing at a time; got --show and --purge\./],
    [["emails", "--show", "one"], 1, /That is no id of a job/],
    [["a b"], 1, /That is no channel name/],
    [["emails", "--layer", "memory:"], 1, /can't share the channel layer memory/],
  ])("%j is refused with one line", async (words, code, line) => {
    const outcome = await jobs(...words);
    expect(outcome.errors).toMatch(line);
    expect(outcome.errors).toMatch(/^[^\n]*\n$/);
    expect(outcome.code).toBe(code);
  });

  test("needs a layer", async () => {
    const { code, errors } = await millrace(["jobs", "emails"], { folder: project.folder });
    expect(errors).toMatch(/needs --layer, or CHANNEL_LAYER_URL\./);
    expect(code).toBe(2);
  });
});

/** Settles when a worker has made a key. */
async function redisHas(key: string): Promise<void> {
  while ((await redis.command("EXISTS", key)) !== 1) await new Promise((resolve) => void setImmediate(resolve));
}
