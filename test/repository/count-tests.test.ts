import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

const script = new URL("../../scripts/count-tests.mjs", import.meta.url).pathname;
const allWell = {
  success: true,
  wasInterrupted: false,
  numPassedTests: 12,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
  numTodoTests: 0,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-count-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the count of tests", () => {
  test("succeeds where every test passed", () => {
    expect(count(allWell)).toEqual({ status: 0, line: "12 passed, 0 failed\n" });
  });

  test.each([
    ["a failed test", { success: false, numFailedTests: 2 }, "12 passed, 2 failed\n"],
    ["a suite that could not start", { success: false, numRuntimeErrorTestSuites: 1 }, "12 passed, 1 failed\n"],
    ["a skipped test", { numPendingTests: 3 }, "12 passed, 3 failed\n"],
    ["a test yet to be written", { numTodoTests: 1 }, "12 passed, 1 failed\n"],
    ["a run without tests", { numPassedTests: 0 }, "0 passed, 1 failed\n"],
    ["a run that was interrupted", { wasInterrupted: true }, "12 passed, 1 failed\n"],
  ])("counts %s as a failure", (_what, change, line) => {
    expect(count({ ...allWell, ...change })).toEqual({ status: 1, line });
  });

  test("counts a run that failed as a whole as a failure", () => {
    expect(count(allWell, "124")).toEqual({ status: 1, line: "12 passed, 1 failed\n" });
  });

  test("counts a run that left no report as a failure", () => {
    expect(count("")).toEqual({ status: 1, line: "0 passed, 1 failed\n" });
  });
});

function count(report: object | "", status = "0"): { status: number | null; line: string } {
  const file = join(folder, "report.json");
  writeFileSync(file, report === "" ? "" : JSON.stringify(report));
  const run = spawnSync(process.execPath, [script, file, status], { encoding: "utf8" });
  return { status: run.status, line: run.stdout };
}
