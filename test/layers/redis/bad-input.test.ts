import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import type { ChannelLayerOptions, LayerMessage } from "millrace";
import {
  RedisChannelLayer,
  type RedisChannelLayerOptions,
  RedisPubSubChannelLayer,
  type RedisPubSubChannelLayerOptions,
} from "millrace/redis";
import { createCodec } from "../../../src/layers/codec/codec.ts";
import { freePort } from "../../support/free-port.ts";
import { heard } from "../../support/heard.ts";
import { RedisServer } from "../../support/redis-server.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { Received } from "./received.ts";

noUnhandledRejections();

let server: RedisServer;
let writer: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  writer = new Redis({ host: server.host, port: server.port, disableClientInfo: true });
});
afterAll(async () => {
  writer.disconnect();
  await server[Symbol.asyncDispose]();
});

const failures = heard("millrace:layer:error");
const hello = { type: "test.message", text: "Ahoy-hoy!" };
const MiB = 1024 ** 2;

type SharedOptions = RedisChannelLayerOptions & RedisPubSubChannelLayerOptions;

/** One of the layers, and how another program would write to it. */
interface Kind {
  readonly make: (options: SharedOptions) => RedisChannelLayer | RedisPubSubChannelLayer;
  /** How many random bytes stand before a body. */
  readonly prefixLength: number;
  /** Sends bytes to a channel or a group. */
  readonly write: (prefix: string, target: { channel: string } | { group: string }, frame: Buffer) => Promise<unknown>;
}

let score = 0;

const kinds: Readonly<Record<string, Kind>> = {
  RedisChannelLayer: {
    make: (options) => new RedisChannelLayer(options),
    prefixLength: 12,
    async write(prefix, target, frame) {
      const members =
        "group" in target ? await writer.zrange(`${prefix}:group:${target.group}`, "0", "-1") : [target.channel];
      for (const name of members) {
        const queue = name.includes("!") ? name.slice(0, name.indexOf("!") + 1) : name;
        await writer.call("ZADD", prefix + queue, String(Date.now() / 1000 + score++ / 1e6), frame);
      }
    },
  },
  RedisPubSubChannelLayer: {
    make: (options) => new RedisPubSubChannelLayer(options),
    prefixLength: 0,
    write: (prefix, target, frame) =>
      writer.publish("group" in target ? `${prefix}__group__${target.group}` : target.channel, frame),
  },
};

const hex = (digits: string): Buffer => Buffer.from(digits, "hex");
const typed = "a474797065a3612e62"; // "type": "a.b"

/** Bodies that other programs may write, and what is said of them. */
const malformed: Readonly<Record<string, readonly [body: Buffer, says: RegExp]>> = {
  "a byte that MessagePack does not have": [hex("c1"), /never uses, at byte 0 of 1/],
  "a body that is cut short": [hex(`82${typed}`), /cut short/],
  "a body with more behind it": [hex(`81${typed}00`), /more behind its end/],
  "an integer as a key": [hex(`82${typed}0102`), /a key that is no text/],
  "text that is not UTF-8": [hex(`82${typed}a161a1ff`), /text that is not UTF-8/],
  "a lone surrogate": [hex(`82${typed}a161a3eda080`), /text that is not UTF-8/],
  "a timestamp": [hex(`82${typed}a161d6ff00000000`), /a timestamp or another extension/],
  "a key that names a prototype": [hex(`82${typed}a95f5f70726f746f5f5f80`), /the key __proto__/],
  "a list": [hex("9101"), /no map/],
  text: [hex("a568656c6c6f"), /no map/],
  JSON: [Buffer.from(JSON.stringify(hello)), /that can't be read/],
  "a map without a type": [hex("80"), /a map without a type/],
  "a type that is no text": [hex("81a47479706501"), /a map without a type/],
  "an empty type": [hex("81a474797065a0"), /a map without a type/],
  "a count of what is not there": [hex("dfffffffff"), /cut short/],
  "lists in lists, 100,000 deep": [
    Buffer.concat([hex(`82${typed}a161`), Buffer.alloc(100_000, 0x91), hex("c0")]),
    /more than 512 levels/,
  ],
  "nothing at all": [Buffer.alloc(0), /cut short|can't be read/],
  "a message of 2 MiB": [
    createCodec().encode({ type: "a.b", text: "x".repeat(2 * MiB) }),
    /received of type "a.b" has 20971\d\d bytes; wanted at most 1114112, which is maxMessageSize/,
  ],
};

let made = 0;

describe.each(Object.entries(kinds))("%s, given bad input,", (_name, { make, write, prefixLength }) => {
  const open = (options: SharedOptions = {}) => {
    const prefix = options.prefix ?? `bad${made++}.`;
    const layer = make({ hosts: [server.url], prefix, ...options });
    return { prefix, layer, [Symbol.asyncDispose]: () => layer.close() };
  };
  const frame = (body: Buffer): Buffer => Buffer.concat([Buffer.alloc(prefixLength, score++), body]);

  async function member(layer: ReturnType<Kind["make"]>): Promise<Received & { name: string }> {
    const inbox = new Received();
    const { name } = await layer.newChannel(inbox.subscriber);
    await layer.groupAdd("room", name);
    return Object.assign(inbox, { name });
  }

  test.each<[string, unknown, RegExp]>([
    ["a URL of another scheme", ["http://localhost:6379"], /no scheme "http:"; wanted redis:/],
    ["a URL that is none", ["localhost:port"], /no URL of a Redis host|no scheme/],
    ["a URL with a word as its database", ["redis://localhost/zero"], /database of a Redis URL is no number/],
    ["a URL with a parameter that it does not have", ["redis://localhost?ssl=1"], /no parameter "ssl"/],
    ["a URL without a list", "redis://localhost:6379", /hosts is no list/],
    ["an empty list of hosts", [], /hosts is no list/],
    ["a host with an option that it does not have", [{ hots: "localhost" }], /no option "hots"; did you mean "host"/],
    ["a port that is none", [{ port: 65_536 }], /port is no port/],
  ])("refuses %s when it is made", (_what, hosts, says) => {
    expect(() => make({ hosts } as SharedOptions)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
    );
  });

  test.each<[string, object, RegExp]>([
    ["misspelt", { capcity: 1 }, /no option "capcity"; did you mean "capacity"/],
    ["of Python's spelling", { group_expiry: 60 }, /no option "group_expiry"; did you mean "groupExpiry"/],
    ["of another layer", { symmetric_encryption_keys: [] }, /did you mean "symmetricEncryptionKeys"/],
    ["with a size of nothing", { maxMessageSize: 0 }, /maxMessageSize is no size; got 0; wanted bytes/],
    ["with a size that is no number", { maxMessageSize: "1MB" }, /maxMessageSize is no size; got "1MB"/],
  ])("refuses an option that is %s, and says which was meant", (_what, options, says) => {
    expect(() => make(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }),
    );
  });

  test("tells a wrong password at once, to each who asks, without showing it", async () => {
    await using guarded = await RedisServer.start({ config: ["requirepass right"], login: { password: "right" } });
    const host = `redis://:mistaken@127.0.0.1:${guarded.port}`;
    await using layer = open({ hosts: [host], offlineTimeout: 60 }).layer;
    const connecting = await layer.connect().catch((error: unknown) => error);
    for (const refused of [connecting, await layer.groupSend("room", hello).catch((error: unknown) => error)]) {
      expect(refused).toMatchObject({
        code: "ERR_REDIS",
        message: expect.stringMatching(/WRONGPASS .*Correct the user or the password/s),
      });
      expect(`${String(refused)} ${String((refused as Error).cause)}`).not.toContain("mistaken");
    }
  });

  test("says which host is down at start, and works as soon as it is there", async () => {
    await using late = await RedisServer.start();
    await late.stop();
    await using opened = open({ hosts: [late.url], offlineTimeout: 60, retryDelay: 0.01, maxRetryDelay: 0.05 });
    const { layer } = opened;
    await expect(layer.connect()).rejects.toMatchObject({
      code: "ERR_LAYER_UNAVAILABLE",
      message: expect.stringMatching(
        new RegExp(`Can't reach Redis at redis://127.0.0.1:${late.port}, and nothing was sent: .*ECONNREFUSED`),
      ),
    });
    const waiting = member(layer);
    await late.start();
    const inbox = await waiting;
    await layer.groupSend("room", hello);
    expect(await inbox.until(({ type }) => type === hello.type)).toEqual(hello);
  });

  test("refuses what needs a host that is not there, when it has waited for as long as it may", async () => {
    await using layer = open({ hosts: [`redis://127.0.0.1:${await freePort()}`], offlineTimeout: 0.05 }).layer;
    await expect(layer.groupSend("room", hello)).rejects.toMatchObject({ code: "ERR_LAYER_UNAVAILABLE" });
  });

  test.each<[string, unknown]>([
    ["empty", ""],
    ["with a space", "room 1"],
    ["of another alphabet", "水车"],
    ["with a line's end", "room\n"],
    ["with an exclamation mark", "room!1"],
    ["of 100 characters", "x".repeat(100)],
    ["no text", 7],
  ])("refuses a group whose name is %s, and nothing is written", async (_what, name) => {
    await using opened = open();
    const { layer, prefix } = opened;
    const inbox = await member(layer);
    const before = await writer.keys(`${prefix}*`);
    const group = name as string;
    for (const attempt of [
      () => layer.groupAdd(group, inbox.name),
      () => layer.groupDiscard(group, inbox.name),
      () => layer.groupSend(group, hello),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: "ERR_INVALID_NAME" });
    }
    expect(await writer.keys(`${prefix}*`)).toEqual(before);
    await layer.groupSend("room", hello);
    expect(await inbox.next()).toEqual(hello);
  });

  test("refuses a message over 1 MiB and what may stand beside it, before anybody gets it", async () => {
    await using opened = open();
    const { layer } = opened;
    const inbox = await member(layer);
    const large: LayerMessage = { type: "test.large", text: "x".repeat(MiB + 64 * 1024) };
    const refused = {
      code: "ERR_MESSAGE_TOO_LARGE",
      message: expect.stringMatching(/type "test.large" has 1114\d\d\d bytes; wanted at most 1114112/),
    };
    await expect(layer.send(inbox.name, large)).rejects.toMatchObject(refused);
    await expect(layer.groupSend("room", large)).rejects.toMatchObject(refused);
    const fits: LayerMessage = { type: "test.fits", text: "x".repeat(MiB) };
    await layer.groupSend("room", fits);
    expect((await inbox.next())?.["text"]).toHaveLength(MiB);
    expect(failures).toEqual([]);
  });

  test.each(Object.entries(malformed))(
    "drops %s of another writer with one error each, and the receivers live",
    async (_what, [body, says]) => {
      await using opened = open();
      const { layer, prefix } = opened;
      const inbox = await member(layer);
      const jobs = new Received();
      await layer.subscribe(`${prefix}jobs`, jobs.subscriber);
      const targets = [{ channel: inbox.name }, { group: "room" }, { channel: `${prefix}jobs` }];
      for (const target of targets) await write(prefix, target, frame(body));
      await layer.send(inbox.name, hello);
      await layer.groupSend("room", hello);
      await layer.send(`${prefix}jobs`, hello);
      expect(await inbox.take(2)).toEqual([hello, hello]);
      expect(await jobs.next()).toEqual(hello);
      expect(failures).toHaveLength(targets.length);
      for (const { layer: kind, error } of failures) {
        expect(kind).toBe(layer.kind);
        expect(error).toMatchObject({
          code: expect.stringMatching(/^ERR_(INVALID_MESSAGE|MESSAGE_TOO_LARGE)$/),
          message: expect.stringMatching(says),
        });
        // What a body holds may be private, and may be long.
        expect(error.message.length).toBeLessThan(500);
      }
    },
  );

  test.each<[string, ChannelLayerOptions & object, () => Buffer, RegExp]>([
    ["plain text where there are keys", {}, () => createCodec().encode(hello), /no Fernet token/],
    [
      "a foreign key",
      {},
      () => createCodec({ symmetricEncryptionKeys: ["foreign"] }).encode(hello),
      /none of the keys has signed it/,
    ],
    [
      "a token with one letter changed",
      {},
      () => {
        const token = createCodec({ symmetricEncryptionKeys: ["ours"] }).encode(hello);
        token[30] = token[30] === 65 ? 66 : 65;
        return token;
      },
      /none of the keys has signed it/,
    ],
    [
      "half a token",
      {},
      () =>
        createCodec({ symmetricEncryptionKeys: ["ours"] })
          .encode(hello)
          .subarray(0, 60),
      /no Fernet token/,
    ],
  ])("drops %s with one error, and the receivers live", async (_what, _options, body, says) => {
    await using opened = open({ symmetricEncryptionKeys: ["ours"] });
    const { layer, prefix } = opened;
    const inbox = await member(layer);
    await write(prefix, { group: "room" }, frame(body()));
    await layer.groupSend("room", hello);
    expect(await inbox.next()).toEqual(hello);
    expect(failures.map(({ error }) => error.message)).toEqual([expect.stringMatching(says)]);
  });
});

test("RedisChannelLayer drops a frame too short for its random prefix, and an address that names no channels", async () => {
  const { make, write } = kinds["RedisChannelLayer"] as Kind;
  await using layer = make({ hosts: [server.url], prefix: "short." });
  const inbox = new Received();
  const { name } = await layer.newChannel(inbox.subscriber);
  await write("short.", { channel: name }, Buffer.alloc(11));
  // "__asgi_channel__": 1
  const address = Buffer.from("__asgi_channel__").toString("hex");
  await write("short.", { channel: name }, Buffer.concat([Buffer.alloc(12), hex(`82${typed}b0${address}01`)]));
  await layer.send(name, hello);
  expect(await inbox.next()).toEqual(hello);
  expect(failures.map(({ error }) => error.message)).toEqual([
    expect.stringContaining("11 bytes, which is less than a prefix of 12"),
    expect.stringContaining("__asgi_channel__ that names no channels"),
  ]);
});
