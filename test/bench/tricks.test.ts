import { expect, test } from "@jest/globals";
import { tricks } from "../../bench/micro/micro.ts";

test("each trick of the path runs, and so does what it is beside", async () => {
  const names = new Set<string>();
  for (const make of tricks) {
    const trick = await make();
    names.add(trick.name);
    await trick.withIt();
    await trick.without();
    trick.end?.();
  }
  expect(names.size).toBe(tricks.length);
});
