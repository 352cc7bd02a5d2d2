import { readdir } from "node:fs/promises";
import { describe, expect, test } from "@jest/globals";
import { type ErrorCode, errorCodes, isMillraceError, MillraceError } from "millrace";
import { show, toError } from "../../src/protocol/errors.ts";

describe("a MillraceError", () => {
  test("says what happened, what was got, what was wanted and what to do, in this order", () => {
    const error = new MillraceError("ERR_INVALID_OPTION", {
      happened: "That port can't be used",
      got: "eighty",
      wanted: "a number",
      remedy: "Leave it out for 8000",
    });

    expect(error.message).toBe('That port can\'t be used; got "eighty"; wanted a number. Leave it out for 8000.');
    expect(error.code).toBe("ERR_INVALID_OPTION");
    expect(error.name).toBe("MillraceError");
    expect(error.stack).toContain("errors.test.ts");
  });

  test("leaves out what there is nothing to say about", () => {
    expect(new MillraceError("ERR_NO_ROUTE", { happened: "Nothing matches" }).message).toBe("Nothing matches.");
    expect(new MillraceError("ERR_NO_ROUTE", { happened: "Nothing matches", got: undefined }).message).toBe(
      "Nothing matches; got undefined.",
    );
  });

  test("keeps its cause, even when that is nothing, and has none when none was given", () => {
    const cause = new Error("below");
    expect(new MillraceError("ERR_LISTEN", { happened: "x", cause }).cause).toBe(cause);
    expect("cause" in new MillraceError("ERR_LISTEN", { happened: "x", cause: undefined })).toBe(true);
    expect("cause" in new MillraceError("ERR_LISTEN", { happened: "x" })).toBe(false);
  });

  test.each(Object.entries(errorCodes))("has for %s a sentence that says what it means", (code, meaning) => {
    expect(code).toMatch(/^ERR(_[A-Z]+)+$/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  });
});

describe("recognising a MillraceError", () => {
  /** The class as another copy of the package makes it: equal, and not the same. */
  class OtherCopy extends Error {
    override readonly name = "MillraceError";
    readonly code: ErrorCode = "ERR_CHANNEL_FULL";
  }

  test("works across copies of the package", () => {
    expect(isMillraceError(new OtherCopy())).toBe(true);
    expect(isMillraceError(new OtherCopy(), "ERR_CHANNEL_FULL")).toBe(true);
    expect(isMillraceError(new OtherCopy(), "ERR_CHANNEL_CLOSED")).toBe(false);
  });

  test("refuses Node's errors, which have codes as well, and some of the same", () => {
    const fromNode = Object.assign(new Error("node"), { code: "ERR_INVALID_MODULE" });

    expect(Object.hasOwn(errorCodes, fromNode.code)).toBe(true);
    expect(isMillraceError(fromNode)).toBe(false);
    expect(isMillraceError(fromNode, "ERR_INVALID_MODULE")).toBe(false);
  });

  test.each([
    [undefined],
    [null],
    ["ERR_NO_ROUTE"],
    [{ name: "MillraceError", code: "ERR_NO_ROUTE" }],
    [new Error("x")],
  ])("refuses %p", (value) => {
    expect(isMillraceError(value)).toBe(false);
  });

  test("refuses a code that is not on the list", () => {
    expect(isMillraceError(Object.assign(new OtherCopy(), { code: "ERR_OF_A_LATER_DAY" }))).toBe(false);
  });
});

describe("making an error of what was thrown", () => {
  test("leaves an error as it is, one of another realm too", async () => {
    const error = new TypeError("x");
    // Jest's environment has an Error of its own, of which this is no instance.
    const foreign: unknown = await readdir("/nowhere/at/all").catch((failure: unknown) => failure);

    expect(toError(error)).toBe(error);
    expect(foreign).not.toBeInstanceOf(Error);
    expect(toError(foreign)).toBe(foreign);
  });

  test.each([["a string"], [undefined], [null], [42], [{ reason: "no" }]])("keeps %p as the cause", (thrown) => {
    expect(toError(thrown)).toMatchObject({ code: "ERR_THROWN_VALUE", cause: thrown });
  });
});

describe("showing a value in an error message", () => {
  test.each<[unknown, string]>([
    ["text", '"text"'],
    ["two\nlines", '"two\\nlines"'],
    [42, "42"],
    [7n, "7n"],
    [undefined, "undefined"],
    [null, "null"],
    [Symbol("mark"), "Symbol(mark)"],
    [[1, 2], "an array of 2"],
    [{ a: 1 }, '{"a":1}'],
    [Object.create(null), "{}"],
    [new Uint8Array(3), "an object of class Uint8Array"],
    [new TypeError("no"), "TypeError: no"],
    [class Chat {}, "the function Chat"],
    [(() => () => {})(), "a function without a name"],
    [{ big: 1n }, "an object"],
    [{ toJSON: () => undefined }, "an object"],
  ])("shows %p as %s", (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  test("shows a long value shortened, with its length", () => {
    const shown = show("x".repeat(1000));
    expect(shown.length).toBeLessThan(150);
    expect(shown).toContain("(1002 characters)");
  });

  test("never fails, whatever the value does when it is looked at", () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("do not look");
        },
      },
    );
    expect(show(hostile)).toBe("an object");
  });
});
