import { describe, expect, test } from "@jest/globals";
import { didYouMean, nearest } from "../../src/protocol/suggestion.ts";

const handlers = ["chat_message", "chat_join", "xxx_ooo"];

describe("the nearest word", () => {
  test.each([
    ["chat_mesage", "chat_message"],
    ["chat_messagee", "chat_message"],
    ["chta_message", "chat_message"],
    ["chat_massage", "chat_message"],
    ["xxx_oo", "xxx_ooo"],
    ["xxx_ooo", "xxx_ooo"],
  ])("to %s is %s", (word, near) => {
    expect(nearest(word, handlers)).toBe(near);
  });

  test.each(["payment_received", "x", "", "message"])("to %s is none", (word) => {
    expect(nearest(word, handlers)).toBeUndefined();
  });

  test("counts two neighbours that were swapped as one mistake", () => {
    expect(nearest("oepn", ["open"])).toBe("open");
    expect(nearest("pone", ["open"])).toBeUndefined();
  });

  test("is not looked for when the word is absurdly long", () => {
    const long = "x".repeat(1_000_000);
    expect(nearest(long, [long])).toBeUndefined();
  });

  test("makes the end of a sentence, or nothing", () => {
    expect(didYouMean("chat_joni", handlers)).toBe('; did you mean "chat_join"?');
    expect(didYouMean("other", handlers)).toBe("");
    expect(didYouMean("other", [])).toBe("");
  });
});
