import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { Stage } from "./stage.ts";

const ways = ["polling", "long-polling", "by-hand", "consumer"] as const;
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});
afterEach(() => stage.clear());
afterAll(() => stage.strike());

describe("the lesson's page", () => {
  test("shows one message arriving four ways, and what each of them cost", async () => {
    const page = await openLesson();
    await send(page, "hello");
    for (const way of ways) {
      await page.locator(`#${way} .log`).getByText("hello").waitFor();
      expect(await page.locator(`[data-way="${way}"]`).textContent()).toMatch(/^[\d.]+ ms$/);
    }
    // Two questions at least, the first of them asked before there was a message, and one to send it.
    expect(await figure(page, "polling", "requests")).toBeGreaterThanOrEqual(3);
    expect(await figure(page, "by-hand", "requests")).toBe(1);
    expect(await figure(page, "consumer", "requests")).toBe(1);
    expect(await figure(page, "consumer", "each")).toBeLessThan((await figure(page, "long-polling", "each")) / 5);
    expect(stage.errors).toEqual([]);
  });

  test("shows the drawback of polling, and that it is gone in the end", async () => {
    const page = await openLesson();
    await page
      .locator('#polling [data-part="empty"]')
      .getByText(/^(?:[3-9]|\d\d)$/)
      .waitFor();
    expect(await page.locator('#consumer [data-part="empty"]').textContent()).toBe("0");
    expect(await figure(page, "consumer", "requests")).toBe(1);
    expect(await figure(page, "long-polling", "requests")).toBe(2);
    expect(stage.errors).toEqual([]);
  });

  test("shows in one window what another one sends", async () => {
    const [one, other] = [await openLesson(), await openLesson()];
    await send(one, "from over there");
    for (const way of ways) {
      await other.locator(`#${way} .log`).getByText("from over there").waitFor();
      expect(await other.locator(`#${way} .log`).textContent()).toContain("from another window");
    }
    expect(stage.errors).toEqual([]);
  });

  test("shows HTML as text", async () => {
    const page = await openLesson();
    await send(page, "<img src=x onerror=\"document.title='run'\">");
    for (const way of ways) await page.locator(`#${way} .log`).getByText("<img src=x").waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    expect(stage.errors).toEqual([]);
  });

  test("stops all four, and starts them again", async () => {
    const page = await openLesson();
    await page.getByRole("button", { name: "Stop all four" }).click();
    for (const way of ways) await page.locator(`#${way}`).getByText("Stopped").waitFor();
    await page.getByRole("button", { name: "Start all four" }).click();
    for (const way of ways) await open(page, way);
    await send(page, "again");
    for (const way of ways) await page.locator(`#${way} .log`).getByText("again").waitFor();
    expect(stage.errors).toEqual([]);
  });

  test("counts the lines of what it shows", async () => {
    const page = await openLesson();
    await page.locator("#consumer").getByText("with-a-consumer.ts, 10 lines").waitFor();
    expect(await figure(page, "by-hand", "lines")).toBeGreaterThan(60);
    await page.getByRole("link", { name: "by-hand.ts" }).click();
    await page.getByText("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").waitFor();
  });

  test("says that the port of the program by hand is taken, and goes on with the others", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    // A server that listens on a port has an address of this form.
    const { port } = other.address() as AddressInfo;
    await stage.stop();
    process.env["BY_HAND_PORT"] = String(port);
    try {
      await stage.start();
      const page = await stage.open("/lesson/");
      await page.locator("#by-hand").getByText(`Port ${port} is taken by another program.`).waitFor();
      await send(page, "hello");
      for (const way of ways.filter((each) => each !== "by-hand")) {
        await page.locator(`#${way} .log`).getByText("hello").waitFor();
      }
      expect(stage.errors).toEqual([]);
    } finally {
      process.env["BY_HAND_PORT"] = "0";
      other.close();
    }
  });
});

/** Opens the lesson, and settles when all four ways are open. */
async function openLesson(): Promise<Page> {
  const page = await stage.open("/lesson/");
  for (const way of ways) await open(page, way);
  return page;
}

async function open(page: Page, way: string): Promise<void> {
  await page.locator(`#${way} .state[data-state="open"]`).waitFor();
}

async function send(page: Page, words: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(words);
  await page.getByRole("button", { name: "Send" }).click();
}

async function figure(page: Page, way: string, name: string): Promise<number> {
  const text = await page.locator(`#${way} [data-part="${name}"]`).textContent();
  return Number(text?.replaceAll(",", ""));
}
