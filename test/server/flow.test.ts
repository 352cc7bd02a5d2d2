import { describe, expect, test } from "@jest/globals";
import { wheel } from "../../src/flow/wheel.ts";
import { maxFragments, maxPendingPongs } from "../../src/server/upgrader.ts";
import type { Connection } from "millrace";
import { clientFrame, closeOf, opcodes, RawClient } from "./support/raw-client.ts";
import { accepting, Log, Published, serving } from "./support/serving.ts";

const text = (at: number): Buffer => clientFrame(opcodes.text, String(at));

/** An application whose handlers wait, all together, to be released. */
function stalled() {
  const got = new Log<number>();
  const ends = new Log<number>();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const application = accepting((event) => {
    if ("code" in event) ends.add(Number(event["code"]));
    if (event.type !== "websocket.receive") return undefined;
    got.add(Number(event["text"]));
    return released;
  });
  return { application, got, ends, release: () => release() };
}

describe("a client that floods", () => {
  test("is no longer read from at the mailbox's limit, and again when the application has caught up", async () => {
    using published = new Published("millrace:websocket:paused");
    const { application, got, release } = stalled();
    await using serves = await serving(application, { mailboxLimit: 4 });
    using client = await RawClient.open(serves.port);
    for (let at = 0; at < 4; at++) client.write(text(at));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    const rest = 50_000;
    for (let at = 4; at < rest; at++) client.socket.write(text(at));
    await new Promise((resolve) => setImmediate(resolve));
    expect(got.entries.length).toBeLessThan(10_000);
    release();
    await got.find((at) => at === rest - 1);
    expect(got.entries).toEqual(Array.from({ length: rest }, (_, at) => at));
    await published.next("millrace:websocket:paused", ({ paused }) => !paused);
  });

  test("is closed with 1013 when the application stays behind for too long", async () => {
    const { application, got, ends } = stalled();
    await using serves = await serving(application, { mailboxLimit: 2, pausedTimeout: 30 });
    using client = await RawClient.open(serves.port);
    client.write(Buffer.concat([text(0), text(1)]));
    expect(closeOf(await client.frame())).toMatchObject({ code: 1013 });
    // Its answer is seen, although the application is still behind.
    client.socket.end(clientFrame(opcodes.close, Buffer.from([0x03, 0xf5])));
    expect(await ends.find(() => true)).toBe(1013);
    expect(got.entries).toEqual([0, 1]);
  });

  test("has no heartbeat while it is not read from", async () => {
    using published = new Published("millrace:websocket:paused", "millrace:websocket:close");
    const { application, release } = stalled();
    await using serves = await serving(application, {
      mailboxLimit: 1,
      pingInterval: 8,
      pingTimeout: 8,
      pausedTimeout: 200,
    });
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    await published.next("millrace:websocket:paused");
    // With a heartbeat it would have been cut long before it is told.
    expect(closeOf(await client.frame())).toMatchObject({ code: 1013 });
    release();
  });

  test("of more pings at once than pongs may wait is cut; fewer are all answered", async () => {
    const ends = new Log<number>();
    await using serves = await serving(
      accepting((event) => {
        if ("code" in event) ends.add(Number(event["code"]));
      }),
    );
    using client = await RawClient.open(serves.port);
    const pings = (count: number): Buffer =>
      Buffer.concat(Array.from({ length: count }, () => clientFrame(opcodes.ping, "x".repeat(125))));
    client.write(pings(maxPendingPongs / 2));
    for (let pong = 0; pong < maxPendingPongs / 2; pong++) {
      expect(await client.frame()).toMatchObject({ opcode: opcodes.pong });
    }
    client.socket.pause();
    client.write(pings(maxPendingPongs * 10));
    expect(await ends.find(() => true)).toBe(1006);
  });

  test("of fragments of one message is closed with 1008", async () => {
    await using serves = await serving(accepting());
    using client = await RawClient.open(serves.port);
    const fragment = clientFrame(opcodes.continuation, "x", { fin: false });
    const rest = Array.from({ length: maxFragments }, () => fragment);
    client.write(Buffer.concat([clientFrame(opcodes.text, "x", { fin: false }), ...rest]));
    expect(closeOf(await client.frame())).toMatchObject({ code: 1008 });
  });
});

describe("a client that does not read", () => {
  const block = "x".repeat(64 * 1024);

  /** Sends until the client is behind, and says how much that took. */
  async function fill(connection: Connection): Promise<number> {
    let sent = 0;
    do {
      connection.send({ type: "websocket.send", text: block });
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
    } while (connection.send({ type: "websocket.send", text: "" }));
    return sent;
  }

  test("lets send answer false; drained() settles when it has read", async () => {
    const log = new Log<string>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        log.add("behind");
        await connection.drained();
        log.add(`drained ${connection.send({ type: "websocket.send", text: "last" })}`);
      }),
    );
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    client.socket.pause();
    await log.find((entry) => entry === "behind");
    client.socket.resume();
    await log.find((entry) => entry.startsWith("drained"));
    expect(log.entries).toEqual(["behind", "drained true"]);
  });

  test("is closed by default when its queue is full: it sees 1006, and what was dropped is published", async () => {
    using published = new Published("millrace:websocket:dropped");
    const ends = new Log<number>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if ("code" in event) ends.add(Number(event["code"]));
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        for (let at = 0; at < 12; at++) connection.send({ type: "websocket.send", text: String(at) });
      }),
      { outbound: { maxMessages: 10 }, closeTimeout: 50 },
    );
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    client.socket.pause();
    expect(await ends.find(() => true)).toBe(1006);
    const reasons = published.of("millrace:websocket:dropped").map(({ reason }) => reason);
    expect(reasons).toContain("full");
    expect(reasons).toContain("closed");
  });

  test("gets what fits and 1013 if it reads at last", async () => {
    await using serves = await serving(
      accepting(async (event, connection) => {
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        for (let at = 0; at < 12; at++) connection.send({ type: "websocket.send", text: String(at) });
        connection.send({ type: "websocket.send", text: "dropped" });
      }),
      { outbound: { maxMessages: 10 } },
    );
    using published = new Published("millrace:websocket:dropped");
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    client.socket.pause();
    await published.next("millrace:websocket:dropped");
    client.socket.resume();
    const texts: string[] = [];
    for (;;) {
      const frame = await client.frame();
      if (frame.opcode === opcodes.close) {
        expect(closeOf(frame)).toMatchObject({ code: 1013 });
        break;
      }
      if (frame.payload.length < 10) texts.push(frame.payload.toString());
    }
    const numbers = texts.filter((entry) => entry !== "");
    expect(numbers).toEqual(numbers.map((_, at) => String(at)));
    expect(numbers.length).toBeGreaterThan(0);
  });

  test("but still sends is no longer read from, closed, and cut: its consumer, which waits for it, goes on", async () => {
    using published = new Published("millrace:websocket:paused", "millrace:websocket:close");
    const log = new Log<string>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if ("code" in event) log.add(`closed ${Number(event["code"])}`);
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        await connection.drained();
        log.add("drained");
      }),
      { mailboxLimit: 3, pausedTimeout: 50, closeTimeout: 50 },
    );
    using client = await RawClient.open(serves.port);
    client.socket.pause();
    client.write(Buffer.concat([0, 1, 2].map(text)));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    await log.find((entry) => entry === "closed 1006");
    while (log.entries.length < 4) await new Promise((resolve) => setImmediate(resolve));
    expect(log.entries.toSorted()).toEqual(["closed 1006", "drained", "drained", "drained"]);
  });

  test("gets only the latest of each key, and what has no key, and is not closed", async () => {
    using published = new Published("millrace:websocket:dropped");
    const sent = new Log<string>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        for (let at = 0; at < 5000; at++) {
          for (const key of ["a", "b"]) connection.send({ type: "websocket.send", text: `${key}${at}`, latest: key });
          if (at === 4000) connection.send({ type: "websocket.send", text: "without" });
        }
        sent.add("all");
      }),
      { outbound: { maxMessages: 10 } },
    );
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    client.socket.pause();
    await sent.find(() => true);
    client.socket.resume();
    const texts: string[] = [];
    while (texts.at(-1) !== "b4999") texts.push((await client.text()).slice(0, 10));
    expect(texts.slice(-3)).toEqual(["without", "a4999", "b4999"]);
    const replaced = published.of("millrace:websocket:dropped");
    expect(replaced.every(({ reason }) => reason === "replaced")).toBe(true);
    const got = texts.filter((entry) => /^[ab]\d+$/.test(entry)).length;
    expect(replaced.reduce((sum, { messages }) => sum + messages, 0) + got).toBe(10_000);
  });

  test("misses the oldest messages and keeps its socket, if the policy says so", async () => {
    using published = new Published("millrace:websocket:dropped");
    const sent = new Log<string>();
    await using serves = await serving(
      accepting(async (event, connection) => {
        if (event.type !== "websocket.receive") return;
        await fill(connection);
        for (let at = 0; at < 20; at++) connection.send({ type: "websocket.send", text: String(at) });
        sent.add("all");
      }),
      { outbound: { maxMessages: 5, whenFull: "dropOldest" } },
    );
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    client.socket.pause();
    await sent.find(() => true);
    expect(published.of("millrace:websocket:dropped").every(({ reason }) => reason === "full")).toBe(true);
    client.socket.resume();
    const texts: string[] = [];
    while (texts.at(-1) !== "19") texts.push((await client.text()).slice(0, 10));
    expect(texts.filter((entry) => /^\d+$/.test(entry))).toEqual(["15", "16", "17", "18", "19"]);
  });
});

describe("the heartbeat", () => {
  test("pings a silent client, and takes it for gone when nothing comes back", async () => {
    const ends = new Log<number>();
    await using serves = await serving(
      accepting((event) => {
        if ("code" in event) ends.add(Number(event["code"]));
      }),
      { pingInterval: 12, pingTimeout: 12 },
    );
    using client = await RawClient.open(serves.port);
    expect(await client.frame()).toMatchObject({ opcode: opcodes.ping, payload: Buffer.alloc(0) });
    expect(await ends.find(() => true)).toBe(1006);
    await client.ended;
  });

  test("goes on for as long as pongs come", async () => {
    await using serves = await serving(accepting(), { pingInterval: 12, pingTimeout: 400 });
    using client = await RawClient.open(serves.port);
    for (let beats = 0; beats < 5; beats++) {
      expect(await client.frame()).toMatchObject({ opcode: opcodes.ping });
      client.write(clientFrame(opcodes.pong, ""));
    }
  });

  test("takes the bytes of a slow upload for a sign of life", async () => {
    const got = new Log<unknown>();
    await using serves = await serving(
      accepting((event) => {
        if (event.type === "websocket.receive") got.add(event["text"]);
      }),
      { pingInterval: 40, pingTimeout: 40 },
    );
    using client = await RawClient.open(serves.port);
    const upload = clientFrame(opcodes.text, "slowly, byte by byte");
    for (const byte of upload) {
      client.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    expect(await got.find(() => true)).toBe("slowly, byte by byte");
  });

  test("needs one timer a process, and none when no socket is open", async () => {
    using published = new Published("millrace:websocket:close");
    await using serves = await serving(accepting());
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(serves.port)));
    expect(wheel.size).toBe(20);
    for (const client of clients) client.reset();
    while (published.entries.length < 20) await new Promise((resolve) => setImmediate(resolve));
    expect(wheel.size).toBe(0);
  });

  test("ends with its socket, also where the client leaves while it is not read from", async () => {
    using published = new Published("millrace:websocket:paused", "millrace:websocket:close");
    const connections = new Log<Connection>();
    const { application, release } = stalled();
    await using serves = await serving(
      (connection) => {
        connections.add(connection);
        return application(connection);
      },
      { mailboxLimit: 1 },
    );
    using client = await RawClient.open(serves.port);
    client.write(text(0));
    await published.next("millrace:websocket:paused", ({ paused }) => paused);
    const connection = await connections.find(({ scope }) => scope.type === "websocket");
    client.reset();
    // What is not read from notices only when it is written to.
    while (published.of("millrace:websocket:close").length === 0) {
      connection.send({ type: "websocket.send", text: "still there?" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(wheel.size).toBe(0);
    release();
  });
});
