// Takes the pictures in docs/images from the running application: npm run build, then node scripts/screenshots.mjs.
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { tsImport } from "tsx/esm/api";
import { serve } from "millrace/server";
import { findBrowser } from "../test/support/browser.mjs";

const folder = fileURLToPath(new URL("../docs/images/", import.meta.url));
const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 800 };
const hasChineseFont = spawnSync("fc-list", [":lang=zh"], { encoding: "utf8" }).stdout?.trim() !== "";
const room = "mill pond";
const talk = [
  ["Ada", "Is the wheel turning again?"],
  ["Grace", "Since this morning. We took the sluice apart and found a branch as thick as my arm."],
  ["Grace", "It runs like new."],
  ["Lin", "I can hear it from the other bank"],
  ["Ada", "Then I'll bring the grain tomorrow. Two sacks of rye,\nand one of <b>wheat</b>."],
  ["Lin", "Two of rye, one of wheat. Noted."],
];

process.env.BY_HAND_PORT ??= "0";
const { application } = await tsImport("../routing/routing.ts", import.meta.url);
const server = await serve(application, { port: 0 });
const browser = await chromium.launch({
  executablePath: findBrowser(),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
try {
  mkdirSync(folder, { recursive: true });
  for (const viewport of [phone, desk]) {
    const suffix = String(viewport.width);
    await home(viewport, `home-${suffix}`);
    await lesson(viewport, `lesson-${suffix}`);
    await chat(viewport, "light", `chat-${suffix}`);
    await chat(viewport, "dark", `chat-${suffix}-dark`);
  }
} finally {
  await browser.close();
  await server.close();
}

async function home(viewport, name) {
  const page = await open(viewport, "light", "/", { name: "Ada", rooms: [room, "reading corner", "kitchen"] });
  await page.getByRole("textbox", { name: "Room" }).fill(room);
  await take(page, name);
}

async function lesson(viewport, name) {
  const page = await open(viewport, "light", "/lesson/");
  for (const way of ["polling", "long-polling", "by-hand", "consumer"]) {
    await page.locator(`#${way} .state[data-state="open"]`).waitFor();
  }
  for (const words of ["hello", "and once more", "three times"]) {
    await page.getByRole("textbox", { name: "Message", exact: true }).fill(words);
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator("#polling .log").getByText(words).waitFor();
  }
  await take(page, name);
}

async function chat(viewport, colorScheme, name) {
  const pages = {};
  for (const person of ["Grace", "Ada", "Lin"]) {
    pages[person] = await open(viewport, colorScheme, `/chat/${encodeURIComponent(room)}/`, { name: person });
    await pages[person].getByText(`You are in as ${person}`).waitFor();
  }
  for (const [person, words] of talk) {
    await pages[person].getByRole("textbox", { name: "Message", exact: true }).fill(words);
    await pages[person].keyboard.press("Enter");
    await pages.Ada.locator("#log .text", { hasText: words.split("\n")[0] }).waitFor();
  }
  await take(pages.Ada, name);
  for (const page of Object.values(pages)) await page.context().close();
}

/** Opens a page in a browser of its own, which remembers what it is told. */
async function open(viewport, colorScheme, path, memory = {}) {
  const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", timezoneId: "Europe/London" });
  await context.addInitScript((entries) => {
    for (const [key, value] of Object.entries(entries)) localStorage.setItem(key, JSON.stringify(value));
  }, memory);
  const page = await context.newPage();
  await page.goto(server.url + path);
  return page;
}

async function take(page, name) {
  const path = `${folder}${name}.png`;
  await page.evaluate(() => document.activeElement?.blur());
  // Without a Chinese font the Chinese terms would be boxes.
  if (!hasChineseFont) {
    await page.evaluate(() => document.querySelectorAll('[lang="zh"]').forEach((term) => term.remove()));
  }
  await page.screenshot({ path });
  const kilobytes = Math.round(statSync(path).size / 1024);
  console.log(`docs/images/${name}.png ${kilobytes} kB`);
  if (kilobytes >= 300) throw new Error("A picture in the repository stays under 300 kB");
}
