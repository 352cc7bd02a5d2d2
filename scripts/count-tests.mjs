// Reads what Jest wrote with --json and prints "N passed, N failed". Whatever kept a test from passing counts as failed:
// a suite that could not start, a skipped test, a run without tests. A run that failed as a whole (its exit status is
// the second argument, 0 by default) or left no report counts as one failure where the report tells of none.
import { readFileSync } from "node:fs";

const [path, status = "0"] = process.argv.slice(2);
const counted = count(path);
console.log(`${counted.passed} passed, ${counted.failed} failed`);
if (counted.failed > 0) process.exitCode = 1;

function count(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const passed = report.numPassedTests;
  const failed =
    report.numFailedTests + report.numRuntimeErrorTestSuites + report.numPendingTests + report.numTodoTests;
  const wentWell = status === "0" && report.success && !report.wasInterrupted && passed > 0;
  return { passed, failed: wentWell ? failed : Math.max(failed, 1) };
}
