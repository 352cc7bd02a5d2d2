import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { channelLayerFromUrl, RedisChannelLayer, RedisPubSubChannelLayer } from "millrace/redis";
import { type Browser, chromium, type Page } from "playwright-core";
import { WebSocket } from "ws";
import { blocksOf, quoted, root, tableUnder } from "../docs/blocks.ts";
import { findBrowser } from "../support/browser.mjs";
import { until } from "../layers/redis/pubsub-site.ts";
import { browserFlags } from "../browser/stage.ts";
import { DjangoSite, type LayerName, secret } from "./django-site.ts";

let browser: Browser;
const errors: string[] = [];
beforeAll(async () => {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error("There is no Chromium: see scripts/prepare-tests.mjs");
  browser = await chromium.launch({ executablePath, args: browserFlags });
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  expect(errors.splice(0)).toEqual([]);
});
afterAll(() => browser.close());

/** A new browser that comes in by the site's form, with its socket open. */
async function enter(url: string, name: string): Promise<Page> {
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByText("Connected", { exact: true }).waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Say" }).click();
}

/** Settles when all of the pages show these lines, in this order, and no others. */
async function expectShown(pages: readonly Page[], lines: readonly string[]): Promise<void> {
  for (const page of pages) {
    await page
      .locator("#log li")
      .nth(lines.length - 1)
      .waitFor();
    expect(await page.locator("#log li").allTextContents()).toEqual(lines);
  }
}

/** What a client that is no browser gets for a handshake. */
async function refusal(url: string, origin: string): Promise<number | undefined> {
  const client = new WebSocket(url.replace("http", "ws"), { origin });
  client.on("error", () => {});
  const [request, response] = (await once(client, "unexpected-response")) as [{ destroy(): void }, IncomingMessage];
  request.destroy();
  return response.statusCode;
}

function ticket(claims: object, key = secret): string {
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${body}.${createHmac("sha256", key).update(`ticket.${body}`).digest("hex")}`;
}

describe.each<[string, LayerName]>([
  ["channels_redis.pubsub", "pubsub"],
  ["channels_redis.core", "core"],
])("docs/examples/django, on %s,", (_backend, layer) => {
  let site: DjangoSite;
  beforeAll(async () => {
    site = await DjangoSite.start(layer);
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test("has a browser on Daphne and one on Millrace in one room, and each hears the other", async () => {
    const old = await enter(site.before, "Ada");
    const moved = await enter(site.after, "Bob");
    // Python's pub/sub lets a socket in before Redis has acknowledged its subscription.
    await until(async () => (await site.receivers("mill")) === 2);
    await say(old, "from Daphne");
    await expectShown([old, moved], ["Ada: from Daphne"]);
    await say(moved, "from Millrace 收到了 🌊");
    await expectShown([old, moved], ["Ada: from Daphne", "Bob: from Millrace 收到了 🌊"]);
  });

  test("brings what a view sends to browsers on both", async () => {
    await until(async () => (await site.receivers("mill")) === 0);
    const old = await enter(site.before, "Ada");
    const moved = await enter(site.after, "Bob");
    await until(async () => (await site.receivers("mill")) === 2);
    await moved.getByLabel("Announcement").fill("tea is ready");
    await moved.getByRole("button", { name: "Announce" }).click();
    await expectShown([old, moved], ["Django: tea is ready"]);
  });

  test("lets a Django process hear what a browser on Millrace says", async () => {
    await until(async () => (await site.receivers("mill")) === 0);
    const hearing = site.manage("hear", "mill");
    await until(async () => (await site.receivers("mill")) === 1);
    const moved = await enter(site.after, "Bob");
    await say(moved, "is anybody there?");
    expect((await hearing.printed(/^\{.*\}$/m))[0]).toBe('{"name": "Bob", "text": "is anybody there?"}');
    await expectShown([moved], ["Bob: is anybody there?"]);
  });

  test("lets in with Django's ticket alone, for as long as it counts", async () => {
    const room = `${site.sockets}/ws/room/mill/`;
    const soon = Math.floor(Date.now() / 1000) + 60;
    const { origin } = new URL(site.after);
    expect(await refusal(room, origin)).toBe(403);
    for (const refused of [
      ticket({ name: "Eve", until: soon }, "another key"),
      ticket({ name: "Eve", until: soon - 61 }),
      ticket({ name: "Eve", until: soon }).replace(".", ""),
      "nonsense",
    ]) {
      expect(await refusal(`${room}?ticket=${refused}`, origin)).toBe(403);
    }
    const valid = `${room}?ticket=${ticket({ name: "Eve", until: soon })}`;
    expect(await refusal(valid, "https://elsewhere.example")).toBe(403);
    expect(await refusal(`${site.sockets}/ws/room/a%20b/`, origin)).toBe(404);
    const client = new WebSocket(valid.replace("http", "ws"), { origin });
    await once(client, "open");
    client.terminate();
  });
});

test("the TypeScript of docs/examples/django compiles", async () => {
  await using site = new DjangoSite("pubsub");
  const flags = "--strict --noEmit --target es2023 --module nodenext --types node --allowImportingTsExtensions".split(
    " ",
  );
  const tsc = join("node_modules", "typescript", "bin", "tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...flags, "routing.ts"], {
    cwd: join(site.folder, "sockets"),
    encoding: "utf8",
  });
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});

describe("docs/guides/beside-django.md", () => {
  const guide = "docs/guides/beside-django.md";

  test("shows of Python what the example has", () => {
    const block = blocksOf(guide).find(({ language }) => language === "python");
    const shown = (block?.code ?? "").split("\n").filter((line) => line !== "");
    const tickets = readFileSync(join(root, "docs/examples/django/site/mill/tickets.py"), "utf8").split("\n");
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.filter((line) => !tickets.includes(line))).toEqual([]);
  });

  test("names options that the layers have, and parameters that their URLs have", () => {
    for (const [, core, pubSub, inUrl] of tableUnder(guide, "Settings")) {
      for (const [cell, make] of [
        [core, (options: object) => new RedisChannelLayer(options)],
        [pubSub, (options: object) => new RedisPubSubChannelLayer(options)],
      ] as const) {
        for (const option of quoted(cell)) expect(() => make({ [option]: undefined })).not.toThrow();
      }
      const [option = ""] = quoted(core);
      const url = `redis+core://localhost?${option}=${option === "serializer" ? "json" : "7"}`;
      const parameter = (): unknown => channelLayerFromUrl(url);
      if (inUrl === "yes") expect(parameter).not.toThrow();
      else expect(parameter).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    }
  });
});
