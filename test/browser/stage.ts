import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { subscribeDiagnostics } from "millrace";
import { type MillraceServer, serve } from "millrace/server";
import { application } from "../../routing/routing.ts";
import { findBrowser } from "../support/browser.mjs";

/** How Chromium is started by every test. */
export const browserFlags: string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// What runs in a page is given as text: the project's types know Node, and no browser.

/** The application on a free port, and a browser before it. */
export class Stage {
  /** What pages wrote to their consoles as errors, what they threw, and how the application failed. */
  readonly errors: string[] = [];
  readonly #browser: Browser;
  readonly #failures = subscribeDiagnostics("millrace:application:error", ({ error }) => {
    this.errors.push(`application: ${error.message}`);
  });
  #server: MillraceServer;

  private constructor(browser: Browser, server: MillraceServer) {
    this.#browser = browser;
    this.#server = server;
  }

  static async set(): Promise<Stage> {
    // The port of the lesson's program may be in use on this machine.
    process.env["BY_HAND_PORT"] = "0";
    const server = await serve(application, { port: 0 });
    const executablePath = findBrowser();
    if (executablePath === undefined) throw new Error("There is no Chromium: see scripts/prepare-tests.mjs");
    return new Stage(await chromium.launch({ executablePath, args: browserFlags }), server);
  }

  get url(): string {
    return this.#server.url;
  }

  get connections(): number {
    return this.#server.connections;
  }

  /** Opens a page in a browser profile of its own, which remembers what it is given. */
  async open(path: string, memory: Record<string, unknown> = {}, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(10_000);
    const entries = JSON.stringify(memory);
    await context.addInitScript(
      `for (const [key, value] of Object.entries(${entries})) localStorage.setItem(key, JSON.stringify(value))`,
    );
    const page = await context.newPage();
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    await page.goto(this.url + path);
    return page;
  }

  /** Ends the server, and settles when all that it held is gone. */
  stop(): Promise<void> {
    return this.#server.close();
  }

  /** Starts it again where it was. */
  async start(): Promise<void> {
    this.#server = await serve(application, { port: this.#server.address.port });
  }

  /** Closes the pages of one test. */
  async clear(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
    this.errors.length = 0;
  }

  async strike(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
    this.#failures[Symbol.dispose]();
  }
}

/** How far a page is wider than its window, in pixels. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
}

/** Whether what a locator finds has the focus. */
export async function hasFocus(page: Page, locator: Locator): Promise<boolean> {
  return (await locator.and(page.locator(":focus")).count()) === 1;
}
