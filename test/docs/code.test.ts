import { afterAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeProject } from "./project.ts";

const project = writeProject();
afterAll(() => rmSync(project.folder, { recursive: true }));

function run(...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: project.folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
}

describe("the TypeScript in README and docs", () => {
  test("compiles as it stands", () => {
    const { status, output } = run("node_modules/typescript/bin/tsc", "-p", ".");
    expect(output).toBe("");
    expect(status).toBe(0);
  });

  test.each(project.files.filter((file) => file.run).map((file) => [file.origin, file.path]))(
    "runs to its end: %s",
    (_, path) => {
      const { status, output } = run("--import", "tsx", join(project.folder, path));
      expect({ status, output }).toEqual({ status: 0, output: expect.any(String) });
    },
  );
});
