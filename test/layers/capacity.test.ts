import { describe, expect, test } from "@jest/globals";
import { type ChannelCapacity, InMemoryChannelLayer } from "millrace";
import { compileCapacity } from "../../src/layers/capacity.ts";

const general = 1;
const special = 9;

describe("a glob matches the whole name", () => {
  test.each<[glob: string, matches: readonly string[], others: readonly string[]]>([
    ["jobs", ["jobs"], ["jobs.a", "a.jobs", "Jobs", "job"]],
    ["jobs.*", ["jobs.", "jobs.a", "jobs.a.b"], ["jobs", "xjobs.a"]],
    ["*", ["a", "a!b", "x".repeat(99)], []],
    ["*.*", [".", "a.b"], ["ab"]],
    ["**a", ["a", "bca"], ["ab"]],
    ["a?", ["ab", "a-", "a!"], ["a", "abc"]],
    ["a.b", ["a.b"], ["axb"]],
    ["a-b_c", ["a-b_c"], ["a_b_c"]],
    ["[abc]", ["a", "b", "c"], ["d", "ab", "-"]],
    ["[a-c]1", ["a1", "c1"], ["d1", "-1"]],
    ["[!a-c]1", ["d1", "-1"], ["a1", "1"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[-a]", ["a", "-"], ["b"]],
    ["[!-]", ["a"], ["-"]],
    ["[a!]", ["a", "!"], ["b"]],
    ["[]a]", ["a"], ["b"]],
    ["[.^$]", ["."], ["a"]],
    ["specific.*!*", ["specific.x!y"], ["specific.x"]],
  ])("%s", (glob, matches, others) => {
    const capacityOf = compileCapacity(general, { [glob]: special });
    expect(matches.filter((name) => capacityOf(name) !== special)).toEqual([]);
    expect(others.filter((name) => capacityOf(name) !== general)).toEqual([]);
  });
});

describe("a regular expression matches from the start", () => {
  test.each<[expression: RegExp, matches: readonly string[], others: readonly string[]]>([
    [/jobs/, ["jobs", "jobs.a"], ["a.jobs", "Jobs"]],
    [/jobs$/, ["jobs"], ["jobs.a"]],
    [/a|b/, ["a", "ax", "b"], ["xa", "xb"]],
    [/^jobs/m, ["jobs"], ["a.jobs"]],
    [/JOBS/i, ["jobs"], ["a.jobs"]],
    [/(?<letter>a)\k<letter>/u, ["aa"], ["ab"]],
  ])("%s", (expression, matches, others) => {
    const capacityOf = compileCapacity(general, [[expression, special]]);
    expect(matches.filter((name) => capacityOf(name) !== special)).toEqual([]);
    expect(others.filter((name) => capacityOf(name) !== general)).toEqual([]);
  });

  test.each([/jobs/g, /jobs/y, /jobs/gy])("%s remembers nothing between two names", (expression) => {
    expression.lastIndex = 2;
    const capacityOf = compileCapacity(general, [[expression, special]]);
    expect([capacityOf("jobs"), capacityOf("jobs"), capacityOf("a.jobs")]).toEqual([special, special, general]);
    expect(expression.lastIndex).toBe(2);
  });
});

test("the first pattern that matches counts", () => {
  const capacityOf = compileCapacity(1, [
    ["a.*", 2],
    [/a/, 3],
    ["*", 4],
  ]);
  expect([capacityOf("a.b"), capacityOf("ab"), capacityOf("b")]).toEqual([2, 3, 4]);
});

test("without a pattern every channel has the general capacity", () => {
  expect(compileCapacity(7)("anything")).toBe(7);
});

describe("an option that can't be used is refused", () => {
  test.each<[what: string, capacity: unknown, patterns: unknown, says: RegExp]>([
    ["capacity 0", 0, {}, /^capacity .*got 0; wanted a whole number/],
    ["a negative capacity", -1, {}, /^capacity /],
    ["a capacity without bound", Infinity, {}, /^capacity .*Infinity/],
    ["half a message", 1.5, {}, /^capacity /],
    ["a capacity in words", "100", {}, /^capacity .*"100"/],
    ["a pattern's capacity of 0", 1, { "a.*": 0 }, /^channelCapacity\["a\.\*"\] /],
    ["a pattern's capacity that is absent", 1, [["a"]], /^channelCapacity /],
    ["patterns in a Map", 1, new Map([["a", 1]]), /^channelCapacity .*class Map/],
    ["patterns that are no object", 1, "a.*", /^channelCapacity /],
    ["a pattern that is a number", 1, [[1, 1]], /bad pattern.*got 1/],
    ["an empty pattern", 1, { "": 1 }, /bad pattern.*""/],
    ["a bracket that is not closed", 1, { "a[bc": 1 }, /bad pattern.*']' for each '\['/],
    ["an empty set", 1, { "a[]": 1 }, /bad pattern.*at least one character/],
    ["a range that runs down", 1, { "[z-a]": 1 }, /bad pattern.*upwards, not z-a/],
  ])("%s", (_what, capacity, patterns, says) => {
    // What callers without types may give.
    const make = (): unknown => compileCapacity(capacity as number, patterns as ChannelCapacity);
    expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }));
  });
});

describe("a layer refuses an option that it can't use", () => {
  test.each<[options: unknown, says: RegExp]>([
    [{ expiry: 0 }, /^expiry is no time; got 0; wanted seconds/],
    [{ expiry: Infinity }, /^expiry .*Infinity/],
    [{ expiry: "60" }, /^expiry .*"60"/],
    [{ groupExpiry: -1 }, /^groupExpiry .*-1/],
    [{ groupExpiry: Number.NaN }, /^groupExpiry .*NaN/],
    [{ capacity: 0 }, /^capacity .*got 0/],
    [{ channelCapacity: { "[": 1 } }, /bad pattern/],
    [{ group_expiry: 1 }, /no option "group_expiry"; did you mean "groupExpiry"\?.*channelCapacity/],
    [{ hosts: [] }, /no option "hosts"/],
    [null, /no options; got null/],
    ["memory", /no options; got "memory"/],
  ])("%j", (options, says) => {
    // What callers without types may give.
    const make = (): unknown => new InMemoryChannelLayer(options as object);
    expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringMatching(says) }));
  });
});
