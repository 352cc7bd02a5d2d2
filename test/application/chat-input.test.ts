import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readChatInput, readRoom } from "../../consumers/chat-input.ts";

describe("readChatInput", () => {
  test("takes a name, and makes its white space one space", () => {
    expect(readChatInput({ type: "join", name: "  Ada \n Lovelace " })).toEqual({ type: "join", name: "Ada Lovelace" });
  });

  test("takes a message as it was written", () => {
    const message = { type: "say", id: "a-1_B", text: " two\nlines " };
    expect(readChatInput(message)).toEqual(message);
  });

  test("drops what it does not know", () => {
    const message = { type: "say", id: "1", text: "hi" };
    expect(readChatInput({ ...message, person: { name: "somebody else" }, at: "1970" })).toEqual(message);
  });

  test("counts 2,000 characters as a person does", () => {
    const say = (text: string): unknown => readChatInput({ type: "say", id: "1", text });
    expect(say("🌊".repeat(2000))).toMatchObject({ type: "say" });
    expect(say("🌊".repeat(2001))).toEqual({
      type: "invalid",
      id: "1",
      problem: "A message has at most 2000 characters; this one has 2001.",
    });
  });

  test("takes a name of 40 characters, and no longer one", () => {
    expect(readChatInput({ type: "join", name: "名".repeat(40) })).toMatchObject({ type: "join" });
    expect(readChatInput({ type: "join", name: "名".repeat(41) })).toMatchObject({ type: "invalid" });
  });

  test.each([
    ["nothing", null],
    ["a text", "join"],
    ["a list", [{ type: "join", name: "Ada" }]],
    ["no type", { name: "Ada" }],
    ["an unknown type", { type: "shout", text: "hi" }],
    ["a type that everything inherits", { type: "constructor" }],
    ["a blank name", { type: "join", name: " \n" }],
    ["a name with a control character", { type: "join", name: "A\u0000" }],
    ["a name that is no text", { type: "join", name: { toString: null } }],
    ["a blank message", { type: "say", id: "1", text: " \n" }],
    ["half a character", { type: "say", id: "1", text: "\ud83c" }],
    ["no id", { type: "say", text: "hi" }],
    ["an id that is HTML", { type: "say", id: '"><img>', text: "hi" }],
  ])("says what is wrong with %s", (_, content) => {
    const read = readChatInput(content);
    expect(read).toEqual(expect.objectContaining({ type: "invalid", problem: expect.stringMatching(/^A .*\.$/) }));
  });

  test("never throws, and never lets through what breaks its rules", () => {
    const fields = fc.oneof(fc.anything(), fc.string({ unit: "binary", maxLength: 60 }));
    const like = fc.record(
      { type: fc.oneof(fc.constantFrom("join", "say"), fc.anything()), name: fields, id: fields, text: fields },
      { requiredKeys: [] },
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(fc.anything(), like), (content) => {
        const read = readChatInput(content);
        if (read.type === "invalid") return;
        taken++;
        const words = read.type === "join" ? read.name : read.text;
        expect(words.isWellFormed() && words.trim() !== "" && Array.from(words).length <= 2000).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});

describe("readRoom", () => {
  test("takes any text of up to 60 characters", () => {
    for (const room of ["mill pond", "客厅", "a/b?c#d%", "🌊".repeat(60)]) expect(readRoom(room)).toBe(room);
  });

  test("gives one room to those who type the same letters in two ways", () => {
    expect(readRoom("cafe\u0301")).toBe(readRoom("caf\u00e9"));
  });

  test.each(["", "   ", "🌊".repeat(61), "\u0007", "\ud83c"])("takes no room %j", (room) => {
    expect(readRoom(room)).toBeUndefined();
  });
});
