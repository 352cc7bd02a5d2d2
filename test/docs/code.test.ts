import { afterAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeProject } from "./project.ts";

const project = writeProject();
afterAll(() => rmSync(project.folder, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

function run(...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project.folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
}

/** The expected lines that the output does not have, in their order. */
function missing(expected: readonly string[], output: string): string[] {
  const lines = output.split("\n");
  return expected.filter((line) => {
    const parts = line.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
    const found = lines.findIndex((candidate) => new RegExp(`^${parts.join(".*")}$`).test(candidate));
    lines.splice(0, found + 1);
    return found === -1;
  });
}

describe("the TypeScript in README and docs", () => {
  let compiled: Ended | undefined;

  test("compiles as it stands", () => {
    compiled = run("node_modules/typescript/bin/tsc", "-p", ".");
    expect(compiled).toEqual({ status: 0, output: "" });
  });

  test.each(project.files.filter((file) => file.run).map((file) => ({ ...file })))(
    "runs to its end and prints what it says: $origin",
    ({ program, prints }) => {
      compiled ??= run("node_modules/typescript/bin/tsc", "-p", ".");
      const { status, output } = run(join(project.folder, program));
      expect({ status, missing: missing(prints, output), output }).toEqual({ status: 0, missing: [], output });
    },
  );
});
