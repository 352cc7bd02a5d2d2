import { describe, expect, test } from "@jest/globals";
import { consistentHash } from "../../src/redis/consistent-hash.ts";
import { Shards } from "../../src/redis/shards.ts";

describe("the host of a name", () => {
  test.each([
    ["key_one", 1, 0],
    ["key_two", 1, 0],
    ["key_one", 2, 1],
    ["key_two", 2, 0],
    ["key_one", 10, 6],
    ["key_two", 10, 4],
    ["room.1", 2, 1],
    ["room.1", 10, 7],
    ["asgi__group__room.1", 10, 2],
    ["ünïcode", 7, 2],
  ])("%s is, of %i hosts, number %i, as channels_redis counts", (name, hosts, index) => {
    expect(consistentHash(name, hosts)).toBe(index);
  });

  test("is always one of them", () => {
    for (let hosts = 1; hosts < 40; hosts++) {
      const found = new Set<number>();
      for (let name = 0; name < 2000; name++) found.add(consistentHash(`name-${name}`, hosts));
      expect([...found].toSorted((a, b) => a - b)).toEqual(Array.from({ length: hosts }, (_, index) => index));
    }
  });
});

describe("shards", () => {
  const items = ["a", "b"].map((name) => ({ name, closed: false, close: async () => void closed.push(name) }));
  const closed: string[] = [];

  test("are found by name and by number, and closed together", async () => {
    const shards = new Shards(items);
    expect([shards.for("key_one").name, shards.for("key_two").name, shards.at(0).name]).toEqual(["b", "a", "a"]);
    expect([...shards].map(({ name }) => name)).toEqual(["a", "b"]);
    expect(() => shards.at(2)).toThrow(RangeError);
    await shards.close();
    expect(closed).toEqual(["a", "b"]);
  });
});
