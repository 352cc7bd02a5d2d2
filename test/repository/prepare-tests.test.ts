import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

const script = new URL("../../scripts/prepare-tests.mjs", import.meta.url).pathname;

/** What the tests need beside a browser. */
const tools = ["openssl", "redis-server", "redis-sentinel", "python3"];
const packages =
  "chromium openssl redis-server redis-sentinel python3-django-channels python3-channels-redis python3-daphne";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-prepare-"));
  mkdirSync(join(folder, "empty"));
  for (const bin of ["bin", "browserless"]) {
    mkdirSync(join(folder, bin));
    for (const program of tools) writeProgram(join(folder, bin, program));
  }
  writeProgram(join(folder, "bin/chromium"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("preparing the tests", () => {
  test("says nothing where all is there", () => {
    expect(prepare({ PATH: join(folder, "bin") })).toEqual({ status: 0, output: "" });
  });

  test("takes the browser that CHROMIUM_PATH names", () => {
    const environment = { PATH: join(folder, "browserless"), CHROMIUM_PATH: join(folder, "bin/chromium") };
    expect(prepare(environment)).toEqual({ status: 0, output: "" });
  });

  test("names in one line what to install, and fails, where it may not install", () => {
    const { status, output } = prepare({ PATH: join(folder, "empty") });
    expect(status).toBe(1);
    expect(output).toMatch(/^The tests need Chromium [^\n]+\n$/);
    expect(output).toContain(` apt-get install ${packages}\n`);
  });

  test("refuses a CHROMIUM_PATH that names no program instead of taking another one", () => {
    const { status, output } = prepare({ PATH: join(folder, "bin"), CHROMIUM_PATH: join(folder, "missing") });
    expect(status).toBe(1);
    expect(output).toMatch(/^CHROMIUM_PATH names no program [^\n]*missing\n$/);
  });
});

function writeProgram(path: string): void {
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
}

/** Runs the script as one who is not root, so that the test never installs anything. */
function prepare(env: NodeJS.ProcessEnv): { status: number | null; output: string } {
  const notRoot = "data:text/javascript,process.getuid = () => 1000";
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", notRoot, script], {
    env: { MILLRACE_PYTHON: join(env["PATH"] ?? "", "python3"), ...env },
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}
