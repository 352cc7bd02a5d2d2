import { describe, expect, test } from "@jest/globals";
import { latestMap, readSlotMap, slotOf } from "../../src/redis/slot-map.ts";

describe("the slot of a name", () => {
  // What CLUSTER KEYSLOT answers.
  test.each([
    ["", 0],
    ["123456789", 12_739],
    ["foo", 12_182],
    ["{foo}bar", 12_182],
    ["a{foo}{b}", 12_182],
    ["{}foo", 9500],
    ["{foo", 13_308],
    ["水车", 10_026],
  ])("is Redis' own: %j", (name, slot) => {
    expect(slotOf(name)).toBe(slot);
  });
});

const slots = [
  [0, 8191, ["10.0.0.1", 7000, "a"], ["10.0.0.3", 7002, "c"]],
  [8192, 16_383, ["", 7001, "b"]],
];
const info = (epoch: number): string => `cluster_state:ok\r\ncluster_current_epoch:${epoch}\r\n`;

describe("a map of slots", () => {
  test("names the master of each, all nodes, and who was asked where a node leaves itself out", () => {
    const map = readSlotMap(slots, info(7), "10.0.0.2");
    expect(map).toMatchObject({
      epoch: 7,
      masters: new Set(["10.0.0.1:7000", "10.0.0.2:7001"]),
      nodes: new Set(["10.0.0.1:7000", "10.0.0.3:7002", "10.0.0.2:7001"]),
    });
    expect([0, 8191, 8192, 16_383].map((slot) => map?.owners[slot])).toEqual([
      "10.0.0.1:7000",
      "10.0.0.1:7000",
      "10.0.0.2:7001",
      "10.0.0.2:7001",
    ]);
    expect(readSlotMap(slots.slice(0, 1), info(7), "10.0.0.2")?.owners[8192]).toBeUndefined();
  });

  test("is not made of what a node says that finds its cluster down, or that says something else", () => {
    expect(readSlotMap(slots, "cluster_state:fail\r\ncluster_current_epoch:7\r\n", "a")).toBeUndefined();
    expect(readSlotMap("ERR", info(7), "a")).toBeUndefined();
    expect(readSlotMap(slots, "", "a")).toBeUndefined();
  });

  test("counts when it was made by the latest change, or else when most nodes have it", () => {
    const other = [[0, 16_383, ["10.0.0.3", 7002]]];
    const maps = [
      readSlotMap(other, info(6), "a"),
      readSlotMap(other, info(7), "a"),
      readSlotMap(slots, info(7), "a"),
      readSlotMap(slots, info(7), "a"),
    ].filter((map) => map !== undefined);
    expect(latestMap(maps)?.owners[0]).toBe("10.0.0.1:7000");
    expect(latestMap(maps.slice(0, 2))?.epoch).toBe(7);
    expect(latestMap([])).toBeUndefined();
  });
});
