import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { chromium } from "playwright-core";
import { WebsocketConsumer } from "millrace";
import { attach } from "millrace/server";
import { findBrowser } from "../support/browser.mjs";
import { browserFlags } from "./stage.ts";

/** Answers with what it gets. */
class Echo extends WebsocketConsumer {
  override receive(text: string): void {
    this.send(text);
  }

  override receiveBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }
}

/** What runs in the page: it sends messages, plain and compressed, text and binary, and compares what comes back. */
const conversation = `(async () => {
  const socket = new WebSocket(location.href.replace("http", "ws"));
  socket.binaryType = "arraybuffer";
  await new Promise((open, failed) => Object.assign(socket, { onopen: open, onerror: failed }));
  const texts = Array.from({ length: 200 }, (_, at) => "水 mill ".repeat(at * 7) + at);
  const got = [];
  const done = new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      got.push(typeof data === "string" ? data : new TextDecoder().decode(data));
      if (got.length === texts.length) resolve();
    };
  });
  for (const [at, text] of texts.entries()) socket.send(at % 3 === 0 ? new TextEncoder().encode(text) : text);
  await done;
  const size = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  const closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
  socket.close(4000);
  return { extensions: socket.extensions, same: got.every((text, at) => text === texts[at]), size, code: await closed };
})()`;

test("Chromium understands what is compressed for it, and is understood", async () => {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error("There is no Chromium: see scripts/prepare-tests.mjs");
  const http = createServer((_, response) => response.end("<!doctype html><title>Compression</title>"));
  const attachment = attach(http, Echo, { compression: true });
  const upgraded: Socket[] = [];
  http.on("upgrade", (_, socket) => upgraded.push(socket as Socket));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const browser = await chromium.launch({ executablePath, args: browserFlags });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    const { extensions, same, size, code } = await page.evaluate<{
      extensions: string;
      same: boolean;
      size: number;
      code: number;
    }>(conversation);
    expect({ same, code }).toEqual({ same: true, code: 4000 });
    expect(extensions).toBe("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    const [socket] = upgraded;
    expect(socket?.bytesRead).toBeLessThan(size / 5);
    expect(socket?.bytesWritten).toBeLessThan(size / 5);
  } finally {
    await browser.close();
    await attachment.close();
    http.close();
  }
}, 60_000);
