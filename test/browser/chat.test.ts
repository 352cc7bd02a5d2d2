import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { hasFocus, overflow, Stage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});
afterEach(() => stage.clear());
afterAll(() => stage.strike());

describe("the chat's page", () => {
  test("asks for a name once, keeps it, and lets it be changed", async () => {
    const page = await stage.open("/chat/names/");
    await page.getByRole("dialog").getByLabel("Your name").fill("Ada");
    await page.keyboard.press("Enter");
    await page.getByText("You are in as Ada").waitFor();
    await page.reload();
    await page.getByText("You are in as Ada").waitFor();
    await page.getByRole("button", { name: "Change your name" }).click();
    await page.getByRole("dialog").getByLabel("Your name").fill("Countess");
    await page.keyboard.press("Enter");
    await page.getByText("Ada is now Countess").waitFor();
    expect(await page.locator("#people li").allTextContents()).toEqual(["Countess (you)"]);
    expect(stage.errors).toEqual([]);
  });

  test("says that it needs a name when none was given, and asks again", async () => {
    const page = await stage.open("/chat/nameless/");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("You need a name to come in.").waitFor();
    await say(page, "hello");
    await page.getByRole("dialog").getByLabel("Your name").fill("Ada");
    await page.keyboard.press("Enter");
    await page.getByText("You are in as Ada").waitFor();
    expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("hello");
    expect(await page.getByText("You need a name").count()).toBe(0);
  });

  test("shows the same messages in the same order in three tabs", async () => {
    const pages = await threeTabs("orders");
    const each = 8;
    await Promise.all(
      pages.map(async (page, of) => {
        for (let at = 0; at < each; at++) await say(page, `${of}.${at}`);
      }),
    );
    for (const page of pages)
      await page
        .locator("#log .text")
        .nth(3 * each - 1)
        .waitFor();
    const orders = await Promise.all(pages.map((page) => page.locator("#log .text").allTextContents()));
    expect(orders[0]).toHaveLength(3 * each);
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[2]).toEqual(orders[0]);
    expect(stage.errors).toEqual([]);
  });

  test("tells who is here, who comes, and that a tab was closed", async () => {
    const [ada, bob, cy] = await threeTabs("people");
    await ada.getByText("Cy came in").waitFor();
    for (const page of [ada, bob, cy]) expect(await names(page)).toEqual(["Ada", "Bob", "Cy"]);
    await bob.close();
    for (const page of [ada, cy]) {
      await page.getByText("Bob left").waitFor();
      expect(await names(page)).toEqual(["Ada", "Cy"]);
    }
    expect(stage.errors).toEqual([]);
  });

  test("shows HTML as the text that it is", async () => {
    const html = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`;
    const ada = await enter("html", html.slice(0, 40));
    const bob = await enter("html", "Bob");
    await say(ada, html);
    await bob.locator("#log .text").waitFor();
    expect(await bob.locator("#log .text").textContent()).toBe(html);
    expect(await names(bob)).toEqual([html.slice(0, 40), "Bob"]);
    expect(await bob.locator("main img, main script, aside img").count()).toBe(0);
    expect(await bob.title()).toBe("html · Millrace");
    expect(stage.errors).toEqual([]);
  });

  test("says that the connection is lost, comes back by itself, and sends what was written meanwhile", async () => {
    const ada = await enter("mill", "Ada");
    const bob = await enter("mill", "Bob");
    await say(ada, "before");
    await bob.getByText("before").waitFor();
    await stage.stop();
    await ada.getByText(/Connection lost, trying again in \d+ s|Connecting/).waitFor();
    await say(ada, "meanwhile");
    await ada.getByText("Goes out when the connection is back").waitFor();
    await ada.getByRole("textbox", { name: "Message" }).fill("half a sentence");
    await stage.start();
    for (const page of [ada, bob]) await page.locator("#status").getByText("Connected", { exact: true }).waitFor();
    await ada.locator("#log .text").getByText("meanwhile").waitFor();
    await bob.getByText("what was said in between is missing here").waitFor();
    expect(await ada.locator("#pending li").count()).toBe(0);
    expect(await ada.getByRole("textbox", { name: "Message" }).inputValue()).toBe("half a sentence");
    expect(await ada.locator("#log .text").allTextContents()).toEqual(["before", "meanwhile"]);
    // What a browser itself writes when it can't connect; nothing else may be there.
    expect(
      stage.errors.filter((error) => !/WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/.test(error)),
    ).toEqual([]);
  });

  test("does not lose what was typed when the page is loaded again", async () => {
    const page = await enter("draft", "Ada");
    await page.getByRole("textbox", { name: "Message" }).fill("half a sentence");
    await page.reload();
    expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("half a sentence");
  });

  test("counts characters as a person does, and sends no more than 2,000", async () => {
    const page = await enter("long", "Ada");
    const text = page.getByRole("textbox", { name: "Message" });
    await text.fill("🌊".repeat(2001));
    await page.getByText("1 characters too many").waitFor();
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await text.press("Enter");
    await text.fill("🌊".repeat(2000));
    await text.press("Enter");
    await page.locator("#log .text").waitFor();
    expect(await page.locator("#log .text").textContent()).toBe("🌊".repeat(2000));
    expect(await overflow(page)).toBe(0);
  });

  test("gives back a message that the server refuses, with the reason", async () => {
    const page = await enter("refusal", "Ada");
    // A message that only a page of an older version would send.
    await page.evaluate(`sessionStorage.setItem("pending refusal", '[{ "id": "1", "words": " " }]')`);
    await page.reload();
    await page.getByText("A message needs some text.").waitFor();
    expect(await page.locator("#pending li").count()).toBe(0);
  });

  test("is used by the keyboard alone, and shows where the focus is", async () => {
    const page = await stage.open("/");
    await tabTo(page, "Your name");
    await page.keyboard.type("Ada");
    await tabTo(page, "Room");
    await page.keyboard.type("客厅 a/b?");
    await page.keyboard.press("Enter");
    await page.getByText("You are in as Ada").waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("客厅 a/b?");
    // The message's field has the focus from the beginning.
    await page.keyboard.type("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    expect(await page.evaluate('getComputedStyle(document.querySelector("#text")).outlineStyle')).toBe("solid");
    await page.keyboard.press("Enter");
    await page.locator("#log .text").waitFor();
    expect(await page.locator("#log .text").textContent()).toBe("one\ntwo");
    await page.keyboard.press("Tab");
    expect(await hasFocus(page, page.getByRole("button", { name: "Send" }))).toBe(true);
    expect(stage.errors).toEqual([]);
  });

  test("stays at the end while it is read there, and leaves a reader further up alone", async () => {
    const ada = await enter("scroll", "Ada");
    const bob = await enter("scroll", "Bob");
    await say(bob, "line\n".repeat(60).trim());
    await say(bob, "the second");
    await ada.getByText("the second").waitFor();
    expect(await distanceFromEnd(ada)).toBeLessThan(2);
    await ada.evaluate('document.querySelector("#scroller").scrollTop = 0');
    await say(bob, "the third");
    await ada.getByRole("button", { name: "New messages" }).click();
    expect(await distanceFromEnd(ada)).toBeLessThan(2);
    expect(await ada.getByRole("button", { name: "New messages" }).isHidden()).toBe(true);
  });

  test("fits a phone", async () => {
    const page = await stage.open("/chat/phone/", { name: "M".repeat(40) }, { viewport: { width: 390, height: 844 } });
    await page.getByText("You are in as").waitFor();
    await say(page, "x".repeat(500));
    await page.locator("#log .text").waitFor();
    expect(await overflow(page)).toBe(0);
    const send = await page.getByRole("button", { name: "Send" }).boundingBox();
    expect((send?.y ?? Infinity) + (send?.height ?? 0)).toBeLessThanOrEqual(844);
  });
});

async function enter(room: string, name: string): Promise<Page> {
  const page = await stage.open(`/chat/${room}/`, { name });
  await page.getByText(`You are in as ${name}`).waitFor();
  return page;
}

async function threeTabs(room: string): Promise<[Page, Page, Page]> {
  return [await enter(room, "Ada"), await enter(room, "Bob"), await enter(room, "Cy")];
}

async function say(page: Page, words: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(words);
  await page.keyboard.press("Enter");
}

async function names(page: Page): Promise<string[]> {
  return (await page.locator("#people li bdi").allTextContents()).toSorted();
}

async function tabTo(page: Page, label: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press("Tab");
    if (await hasFocus(page, page.getByRole("textbox", { name: label }))) return;
  }
  throw new Error(`The field ${label} can't be reached by the keyboard`);
}

function distanceFromEnd(page: Page): Promise<number> {
  const distance = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)";
  return page.evaluate<number>(`${distance}(document.querySelector("#scroller"))`);
}
