import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { OutgoingHeaders } from "millrace";
import { headerPairs } from "../../src/protocol/headers.ts";
import { caught } from "../support/caught.ts";

describe("headers to send", () => {
  test.each<[string, OutgoingHeaders | undefined, Array<[string, string]>]>([
    ["nothing", undefined, []],
    [
      "a record",
      { "x-a": "1", "X-B": "" },
      [
        ["x-a", "1"],
        ["X-B", ""],
      ],
    ],
    [
      "a list in a record",
      { "set-cookie": ["a=1", "b=2"] },
      [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    ],
    [
      "pairs",
      [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
      [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    ],
    ["an empty list", { "x-none": [] }, []],
  ])("may be %s", (_, headers, pairs) => {
    expect(headerPairs(headers)).toEqual(pairs);
  });

  test.each(["", "a b", "a:b", "ä", "a\nb", "a\r\nx-evil", "\u0000"])("refuse the name %p", (name) => {
    expect(caught(() => headerPairs({ [name]: "x" }))).toMatchObject({ code: "ERR_INVALID_HEADER" });
  });

  test("refuse every value with a line break, a control character or a character beyond Latin-1", () => {
    const wrong = fc.constantFrom("\r", "\n", "\0", "\u000b", "\u001f", "\u007f", "\u0100", "收", "\ud83d\ude00");
    fc.assert(
      fc.property(fc.string(), wrong, fc.string(), (before, character, after) => {
        expect(caught(() => headerPairs({ "x-a": `${before}${character}${after}` }))).toMatchObject({
          code: "ERR_INVALID_HEADER",
        });
      }),
    );
  });

  test("do not show a refused value, which may be a secret", () => {
    expect(String(caught(() => headerPairs({ cookie: "secret\n" })))).not.toContain("secret");
  });

  // What callers without types may give.
  test.each<[string, unknown]>([
    ["null", null],
    ["a string", "x-a: 1"],
    ["a list of strings", ["x-a: 1"]],
    ["a number as the value", { "x-a": 1 }],
    ["nothing as the value", { "x-a": undefined }],
    ["a number in a list", { "x-a": ["1", 2] }],
    ["half a pair", [["x-a"]]],
    ["a number as the name", [[1, "x"]]],
  ])("refuse %s by a MillraceError", (_, headers) => {
    expect(caught(() => headerPairs(headers as OutgoingHeaders))).toMatchObject({ code: "ERR_INVALID_HEADER" });
  });
});
