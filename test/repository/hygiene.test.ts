import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../..", import.meta.url));
const files = projectFiles();

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
}
// The project's own package.json, whose shape these tests are about.
const manifest = JSON.parse(read("package.json")) as Manifest;

describe("the project's files", () => {
  test("hold no note to a later self", () => {
    // Escaped, so that this line is not what it looks for.
    expect(linesWith(code, /\b(?:TO\x44O|FIX\x4dE|XX\x58|HAC\x4b)\b/)).toEqual([]);
  });

  test("hold no test that is skipped, narrowed or yet to be written", () => {
    const given = /\b(?:test|it|describe)(?:\.each)?\.(?:skip|only|todo|failing)\b|\b[xf](?:test|it|describe)\(/;
    expect(linesWith((file) => file.startsWith("test/"), given)).toEqual([]);
  });

  test("print nothing in src, but for the command line", () => {
    const library = (file: string): boolean => file.startsWith("src/") && !file.startsWith("src/cli/");
    expect(linesWith(library, /\bconsole\.\w+\(|\bprocess\.(?:stdout|stderr)\b/)).toEqual([]);
  });

  test("name no path of one machine", () => {
    const path = /(?:^|[\s"'`(=:])(?:\/(?:home|Users|root|work|mnt|private)\/|[A-Z]:\\)/;
    expect(linesWith((file) => file !== "package-lock.json", path)).toEqual([]);
  });

  test("name no registry but the public one", () => {
    const resolved = linesWith(
      (file) => file === "package-lock.json",
      /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/,
    );
    expect(resolved).toEqual([]);
  });

  test("end their lines with a line feed, the last one too", () => {
    const wrong = files.filter((file) => /\r|[^\n]$/.test(read(file)));
    expect(wrong).toEqual([]);
  });

  test("of src are at most 300 lines long", () => {
    const long = files.filter((file) => file.startsWith("src/") && read(file).split("\n").length > 301);
    expect(long).toEqual([]);
  });

  test("of src, consumers, routing and test are written in kebab case", () => {
    const folders = /^(?:src|consumers|routing|test|scripts)\//;
    expect(files.filter((file) => folders.test(file) && /[^a-z0-9./-]/.test(file))).toEqual([]);
  });
});

describe("package-lock.json", () => {
  test("locks the optional packages of every platform, without which `npm ci` refuses to start", () => {
    // The shape of a lock file, as far as it is read here.
    const { packages } = JSON.parse(read("package-lock.json")) as {
      packages: Readonly<Record<string, { readonly optionalDependencies?: object }>>;
    };
    const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(optional.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
  });
});

describe("package.json", () => {
  test("names only exports and programs that the build makes", () => {
    const targets = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    const missing = [...targets, ...Object.values(manifest.bin)].filter((target) => !existsSync(join(root, target)));
    expect(missing).toEqual([]);
  });

  test("packs only what exists", () => {
    expect(manifest.files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test("asks for a Node that runs what the compiler is told to emit", () => {
    // Node 20 is the first with all of ES2023; `require()` of an ES module came with 20.19.
    expect(manifest.engines.node).toBe(">=20.19");
    expect(read("tsconfig.json")).toContain(`"target": "es2023"`);
    expect(read("package.json")).toMatch(/"@types\/node": "\^20\./);
  });
});

/** The text files of the project, without what is installed, built or git's own. */
function projectFiles(folder = ""): readonly string[] {
  const foreign = new Set([".git", "node_modules", "dist", "coverage"]);
  const binary = /\.(?:png|jpg|gif|ico|woff2|tgz)$/;
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory()) return foreign.has(entry.name) ? [] : projectFiles(`${path}/`);
    return entry.isFile() && !binary.test(path) ? [path] : [];
  });
}

function code(file: string): boolean {
  return /\.(?:ts|mts|mjs|js|css|html)$/.test(file) || file === ".ci/run";
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** Each line that matches, as `file:line text`. */
function linesWith(isMeant: (file: string) => boolean, pattern: RegExp): readonly string[] {
  return files.filter(isMeant).flatMap((file) =>
    read(file)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  );
}
