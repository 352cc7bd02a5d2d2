import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Locator, Page } from "playwright-core";
import { hasFocus, overflow, Stage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});
afterEach(() => stage.clear());
afterAll(() => stage.strike());

describe("the page of rooms", () => {
  test("leads into a room, whatever it is called, and remembers it", async () => {
    const page = await stage.open("/");
    await page.getByText("No room yet.").waitFor();
    await page.getByRole("textbox", { name: "Your name" }).fill("Ada");
    await page.getByRole("textbox", { name: "Room" }).fill("50% of <b>the</b> mill/pond");
    await page.getByRole("button", { name: "Enter" }).click();
    await page.getByText("You are in as Ada").waitFor();
    await page.getByRole("link", { name: "Millrace" }).click();
    await page.getByRole("link", { name: "50% of <b>the</b> mill/pond" }).click();
    await page.getByText("You are in as Ada").waitFor();
    expect(stage.errors).toEqual([]);
  });

  test("takes no name of white space alone", async () => {
    const page = await stage.open("/");
    await page.getByRole("textbox", { name: "Your name" }).fill("  ");
    await page.getByRole("textbox", { name: "Room" }).fill("hall");
    await page.keyboard.press("Enter");
    expect(await hasFocus(page, page.getByRole("textbox", { name: "Your name" }))).toBe(true);
    expect(new URL(page.url()).pathname).toBe("/");
  });

  test("starts one to one, which answers 收到了", async () => {
    const page = await stage.open("/");
    const demonstration = demonstrationOf(page, "x1");
    expect(await demonstration.getByRole("textbox").isDisabled()).toBe(true);
    await start(demonstration);
    await send(demonstration, "你好");
    await demonstration.getByText("收到了").waitFor();
    await demonstration.getByRole("button", { name: "Stop" }).click();
    await demonstration.getByText("Closed").waitFor();
    expect(stage.errors).toEqual([]);
  });

  test("starts many to many, whose two styles hear each other, in other windows too", async () => {
    const [page, other] = [await stage.open("/"), await stage.open("/")];
    const clients = [page, other].flatMap((each) =>
      ["x2, low-level style", "x3, hook style"].map((label) => demonstrationOf(each, label)),
    );
    for (const client of clients) await start(client);
    for (const [at, client] of clients.entries()) await send(client, `from ${at}`);
    for (const client of clients) {
      await client.locator(".received").nth(3).waitFor();
      expect(await client.locator(".received").allTextContents()).toEqual(["from 0", "from 1", "from 2", "from 3"]);
    }
    expect(stage.errors).toEqual([]);
  });

  test("shows what comes as text", async () => {
    const page = await stage.open("/");
    const demonstration = demonstrationOf(page, "x2, low-level style");
    await start(demonstration);
    await send(demonstration, "<img src=x onerror=\"document.title='run'\">");
    await demonstration.locator(".received").waitFor();
    expect(await page.locator(".log img").count()).toBe(0);
    expect(stage.errors).toEqual([]);
  });

  test.each([
    ["a phone", 390, "light"],
    ["a phone at night", 390, "dark"],
    ["a desk", 1280, "light"],
  ] as const)("fits %s, as the others do", async (_, width, colorScheme) => {
    for (const path of ["/", "/lesson/"]) {
      const page = await stage.open(path, {}, { viewport: { width, height: 800 }, colorScheme });
      expect(await overflow(page)).toBe(0);
    }
    expect(stage.errors).toEqual([]);
  });
});

function demonstrationOf(page: Page, label: string): Locator {
  return page.locator(`.demonstration[data-label="${label}"]`);
}

async function start(demonstration: Locator): Promise<void> {
  await demonstration.getByRole("button", { name: "Start" }).click();
  await demonstration.getByText("Connected").waitFor();
}

async function send(demonstration: Locator, words: string): Promise<void> {
  await demonstration.getByRole("textbox").fill(words);
  await demonstration.getByRole("button", { name: "Send" }).click();
}
