import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { packPackage, root } from "../support/packed-package.ts";

const packed = packPackage();
afterAll(() => packed[Symbol.dispose]());

describe("the packed files", () => {
  test("are the build, its source, and the papers", () => {
    const tops = new Set(packed.files.map((file) => file.split("/")[0]));
    expect([...tops]).toEqual(["LICENSE", "README.md", "dist", "package.json", "src"]);
  });

  test("hold no tests", () => {
    expect(packed.files.filter((file) => /\.test\.|(?:^|\/)(?:test|__tests__)\//.test(file))).toEqual([]);
  });

  test("hold for each module of src its code, its types and their maps, and nothing else", () => {
    const made = (file: string): readonly string[] => {
      const stem = file.replace(/^src\//, "dist/").replace(/\.ts$/, "");
      return [`${stem}.d.ts`, `${stem}.d.ts.map`, `${stem}.js`, `${stem}.js.map`];
    };
    const wanted = packed.files.filter((file) => file.startsWith("src/")).flatMap(made);
    expect(packed.files.filter((file) => file.startsWith("dist/"))).toEqual(wanted.toSorted());
  });

  test("are all that their source maps point at", () => {
    const outside = packed.files
      .filter((file) => file.endsWith(".map"))
      .flatMap((map) => sourcesOf(map).map((source) => normalize(join(dirname(map), source))))
      .filter((source) => !packed.files.includes(source));
    expect(outside).toEqual([]);
  });

  test("hold a program that can be run", () => {
    expect((packed.mode("dist/cli/main.js") ?? 0) & 0o111).toBe(0o111);
    expect(readFileSync(join(root, "dist/cli/main.js"), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

function sourcesOf(map: string): readonly string[] {
  // The shape of a source map, as the compiler writes it.
  const { sources } = JSON.parse(readFileSync(join(root, map), "utf8")) as { sources: readonly string[] };
  return sources;
}
