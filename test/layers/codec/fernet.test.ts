import { afterAll, afterEach, describe, expect, jest, test } from "@jest/globals";
import { createCipheriv, createHash, createHmac } from "node:crypto";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { type EncryptionKey, Fernet } from "../../../src/layers/codec/fernet.ts";
import { OtherSide } from "./other-side.ts";
import { unreadable } from "./unreadable.ts";

const python = new OtherSide();
afterAll(() => python.close());

const body = Buffer.from("82a474797065ac636861742e6d657373616765a474657874a26869", "hex");
const made = 1_700_000_000;

/** What Python's cryptography makes of the body at that time, with these bytes for its random ones. */
const token = Buffer.from(
  "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD7xN5qdsP4vMv1lrUBvRyXf1h2_qlW7_wIIMSmMyiCEZEPgeTDRIQQl9ANBQi1B2P4FuNiNASovFPP3J1GPi0o8=",
);

function at(seconds: number): void {
  jest.useFakeTimers({ now: seconds * 1000, doNotFake: ["nextTick", "setImmediate"] });
}

afterEach(() => {
  jest.useRealTimers();
});

describe("a token", () => {
  test("is the one that Python makes of the same time and random bytes", () => {
    expect(new Fernet(["a-test-key"]).encrypt(body, made, Buffer.from([...Array(16).keys()]))).toEqual(token);
  });

  test("is decrypted to what was encrypted, whatever its length", () => {
    const fernet = new Fernet(["a key", "another"]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fernet.decrypt(fernet.encrypt(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test("is another each time", () => {
    const fernet = new Fernet(["a key"]);
    expect(fernet.encrypt(body)).not.toEqual(fernet.encrypt(body));
  });

  test("of Python is decrypted, by keys of text of every plane and of bytes", async () => {
    const key = "schlüssel 收 \u{10ffff}";
    const theirs = await python.encryptAt(made, key, body);
    expect(new Fernet([key]).decrypt(theirs)).toEqual(body);
    expect(new Fernet([Buffer.from(key)]).decrypt(theirs)).toEqual(body);
  });
});

describe("keys", () => {
  test.each<[what: string, sender: readonly [EncryptionKey, ...EncryptionKey[]]]>([
    ["the old one alone", ["old"]],
    ["the old one first", ["old", "new"]],
    ["the new one first", ["new", "old"]],
    ["the new one alone", ["new"]],
  ])("are rotated: a receiver with both reads what a sender with %s sends", (_, sender) => {
    const sent = new Fernet(sender).encrypt(body);
    expect(new Fernet(["old", "new"]).decrypt(sent)).toEqual(body);
    expect(new Fernet(["new", "old"]).decrypt(sent)).toEqual(body);
  });

  test("that are not the sender's refuse, without a secret in the error", () => {
    const sentence = unreadable(() => new Fernet(["topsecret", "b"]).decrypt(token));
    expect(sentence).toMatch(/can't be decrypted: none of the keys has signed it.*sender's keys/);
    expect(sentence).not.toMatch(/topsecret|gAAAA/);
  });

  test("are not shown with the object that holds them", () => {
    expect(inspect(new Fernet(["topsecret"]), { depth: 9, showHidden: true })).not.toContain("topsecret");
  });
});

describe("the age of a token", () => {
  const ttl = 70;

  test.each<[what: string, now: number]>([
    ["as old as it may be", made + ttl],
    ["a minute ahead", made - 60],
  ])("counts from when it was made: %s it is read", (_, now) => {
    at(now + 0.999);
    expect(new Fernet(["a-test-key"], ttl).decrypt(token)).toEqual(body);
  });

  test.each<[what: string, now: number, says: RegExp]>([
    ["a second too old", made + ttl + 1, /it is 71 s old, and counts for 70 s.*clocks/],
    ["more than a minute ahead", made - 61, /it was made 61 s in the future.*clocks/],
  ])("counts from when it was made: %s it is refused", (_, now, says) => {
    at(now);
    expect(unreadable(() => new Fernet(["a-test-key"], ttl).decrypt(token))).toMatch(says);
  });

  test("does not count without a limit", () => {
    at(made + 1e9);
    expect(new Fernet(["a-test-key"]).decrypt(token)).toEqual(body);
    at(made - 1e9);
    expect(new Fernet(["a-test-key"]).decrypt(token)).toEqual(body);
  });
});

describe("bytes that are no token are refused", () => {
  test.each<[what: string, bytes: Buffer]>([
    ["none", Buffer.alloc(0)],
    ["a message that is not encrypted", body],
    ["a token without its padding", token.subarray(0, -1)],
    ["a token that is cut short", token.subarray(0, 100)],
    ["a token with a line feed behind it", Buffer.concat([token, Buffer.from("\n   ")])],
    ["another version", Buffer.concat([Buffer.from("gQ"), token.subarray(2)])],
    ["only a head", Buffer.from("gAAA".padEnd(76, "A"))],
  ])("%s", (_, bytes) => {
    expect(unreadable(() => new Fernet(["a-test-key"]).decrypt(bytes))).toMatch(/it is no Fernet token/);
  });

  test("a token of which any letter is changed", () => {
    const fernet = new Fernet(["a-test-key"]);
    const end = token.indexOf("=") - 1;
    for (let place = 0; place < end; place++) {
      const changed = Buffer.from(token);
      changed[place] = token[place] === 0x41 ? 0x42 : 0x41;
      expect(unreadable(() => fernet.decrypt(changed))).toMatch(/can't be decrypted/);
    }
  });

  test("a token that was signed with its padding wrong", () => {
    const key = createHash("sha256").update("a key").digest();
    const cipher = createCipheriv("aes-128-cbc", key.subarray(16), Buffer.alloc(16)).setAutoPadding(false);
    const signed = Buffer.concat([Buffer.alloc(25), cipher.update(Buffer.alloc(16))]);
    signed[0] = 0x80;
    const signature = createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
    const text = Buffer.concat([signed, signature]).toString("base64url");
    const padded = Buffer.from(text.padEnd(4 * Math.ceil(text.length / 4), "="));
    expect(unreadable(() => new Fernet(["a key"]).decrypt(padded))).toMatch(/its padding is wrong/);
  });

  test("any bytes", () => {
    const fernet = new Fernet(["a-test-key"], 70);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(unreadable(() => fernet.decrypt(Buffer.from(bytes)))).toMatch(/can't be decrypted/);
      }),
    );
  });
});
