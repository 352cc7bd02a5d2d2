import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { checkChannelName, checkGroupName, groupName, maxNameLength } from "millrace";
import { nonLocalName } from "../../src/protocol/names.ts";

/** Says no with a sentence, or nothing. */
function objection(check: (name: string) => void, name: string): string | undefined {
  try {
    check(name);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_INVALID_NAME" });
    return (error as Error).message;
  }
}

const allowed = new Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

// The rules once more, character by character and without an expression.
function isGroupName(name: string): boolean {
  return name.length >= 1 && name.length <= 99 && Array.from(name).every((character) => allowed.has(character));
}

function isChannelName(name: string): boolean {
  const [queue = "", local = "", ...more] = name.split("!");
  const marks = name.length - name.replaceAll("!", "").length;
  if (marks === 0) return isGroupName(name);
  return more.length === 0 && name.length <= 99 && isGroupName(queue) && (local === "" || isGroupName(local));
}

// Mostly right, so that both answers come often.
const letter = fc.constantFrom("a", "Z", "0", "9", "-", "_", ".");
const almost = fc.oneof(
  { weight: 20, arbitrary: letter },
  { weight: 2, arbitrary: fc.constant("!") },
  { weight: 1, arbitrary: fc.constantFrom(" ", "\n", "é", "٣", "K", "💬", "\ud800", "/", ":", "*", "\0", "ı") },
);
const names = fc.oneof(
  fc.string({ unit: almost, maxLength: 12 }),
  fc.string({ unit: letter, minLength: 95, maxLength: 103 }),
  fc
    .tuple(fc.string({ unit: letter, maxLength: 99 }), fc.string({ unit: letter, maxLength: 20 }))
    .map((parts) => parts.join("!")),
  fc.string({ unit: "binary" }),
);

describe("names", () => {
  test("of groups are taken as the rules say, whatever the name", () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(objection(checkGroupName, name) === undefined).toBe(isGroupName(name));
      }),
      { numRuns: 2000 },
    );
  });

  test("of channels are taken as the rules say, whatever the name", () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(objection(checkChannelName, name) === undefined).toBe(isChannelName(name));
      }),
      { numRuns: 2000 },
    );
  });

  test("have at most 99 characters", () => {
    expect(maxNameLength).toBe(99);
    for (const check of [checkGroupName, checkChannelName]) {
      expect(objection(check, "x".repeat(99))).toBeUndefined();
      expect(objection(check, "x".repeat(100))).toMatch(/at most 99 characters, not 100/);
    }
  });

  test.each<[name: unknown, says: RegExp]>([
    ["", /at least one character/],
    ["a b", /only ASCII letters.* not " "/],
    ["a\n", /only ASCII letters.* not "\\n"/],
    ["٣", /only ASCII letters.* not "٣"/],
    ["a💬", /only ASCII letters.* not "💬"/],
    [7, /got 7; wanted a string/],
    [undefined, /got undefined; wanted a string/],
    [["a"], /wanted a string/],
  ])("that are neither say which rule they break: %j", (name, says) => {
    // What callers without types may give.
    for (const check of [checkGroupName, checkChannelName]) expect(objection(check, name as string)).toMatch(says);
  });

  test.each<[name: string, says: RegExp]>([
    ["!", /a name before the '!'/],
    ["!local", /a name before the '!'/],
    ["a!b!c", /one '!' at most/],
    ["a!!", /one '!' at most/],
    ["a!é", /only ASCII letters.* not "é"/],
    ["é!a", /only ASCII letters.* not "é"/],
  ])("of channels say which rule they break: %j", (name, says) => {
    expect(objection(checkChannelName, name)).toMatch(says);
  });

  test("of channels may end in one '!' and a local part; those of groups may not", () => {
    for (const name of ["a!", "a!b", "specific.x!y-_.9"]) {
      expect(objection(checkChannelName, name)).toBeUndefined();
      expect(objection(checkGroupName, name)).toMatch(/That is no group name.* not "!"/);
    }
  });

  test("of channels have a part that is not local: up to and with the '!'", () => {
    expect(["a!b", "a!", "a", "a.b!c"].map(nonLocalName)).toEqual(["a!", "a!", "a", "a.b!"]);
  });
});

describe("a group's name for any texts", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });

  test("is always a group's name, and the same for the same texts", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (parts) => {
        const name = groupName(...parts);
        expect(objection(checkGroupName, name)).toBeUndefined();
        expect(groupName(...parts)).toBe(name);
      }),
    );
  });

  test("is another for other texts, also where the signs of the escape are in them", () => {
    const tricky = fc.oneof(text, fc.string({ unit: fc.constantFrom("a", ".", "_", "2", "e", " "), maxLength: 6 }));
    const texts = fc.array(tricky, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(texts, texts, (some, others) => {
        expect(groupName(...some) === groupName(...others)).toBe(JSON.stringify(some) === JSON.stringify(others));
      }),
      { numRuns: 2000 },
    );
  });

  test("can be read where the text is plain, and is short where it is long", () => {
    expect(groupName("chat", "lobby-2")).toBe("chat.lobby-2");
    expect(groupName("chat", "a.b_c")).toBe("chat.a_2eb_5fc");
    expect(groupName("chat", "x".repeat(95))).toMatch(/^__[\w-]{43}$/);
  });

  test("can't be made of text with a lone surrogate", () => {
    expect(() => groupName("chat", "\ud800")).toThrow(expect.objectContaining({ code: "ERR_INVALID_NAME" }));
  });
});
