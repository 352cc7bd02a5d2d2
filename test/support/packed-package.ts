import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of one test file's own, with what `npm pack` makes of the project. `dispose` removes it. */
export interface PackedPackage extends Disposable {
  readonly folder: string;
  /** The paths in the tarball, sorted. */
  readonly files: readonly string[];
  /** The bits of a file's mode in the tarball. */
  mode(file: string): number | undefined;
  /** An empty project into which the tarball is installed, without a network. */
  install(name: string): InstalledPackage;
}

export interface InstalledPackage {
  readonly folder: string;
  write(file: string, text: string): void;
  /** Runs Node in the project. */
  node(...parameters: readonly string[]): Outcome;
  npm(...parameters: readonly string[]): Outcome;
}

/** Packs the project as `npm publish` would, but for the build, which must have been made. */
export function packPackage(): PackedPackage {
  if (!existsSync(join(root, "dist/index.js"))) {
    throw new Error("These tests pack dist/, which is missing: run `npm run build` first (`npm test` does).");
  }
  const folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
  const [packed] = npmPack(folder, [root]);
  if (packed === undefined) throw new Error("npm packed nothing");
  const modes = new Map(packed.files.map(({ path, mode }) => [path, mode]));
  let tarballs: readonly string[] | undefined;
  return {
    folder,
    files: [...modes.keys()].toSorted(),
    mode: (file) => modes.get(file),
    install: (name) => {
      tarballs ??= [packed, ...npmPack(folder, dependencies())].map(({ filename }) => join(folder, filename));
      return installInto(join(folder, name), tarballs);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

interface Tarball {
  readonly filename: string;
  readonly files: ReadonlyArray<{ readonly path: string; readonly mode: number }>;
}

function npmPack(folder: string, packages: readonly string[]): readonly Tarball[] {
  const outcome = npm(folder, ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, ...packages]);
  if (outcome.status !== 0) throw new Error(`npm pack failed\n${outcome.stderr}`);
  // The shape that npm documents for `npm pack --json`.
  return JSON.parse(outcome.stdout) as readonly Tarball[];
}

function installInto(folder: string, tarballs: readonly string[]): InstalledPackage {
  mkdirSync(folder);
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write("package.json", JSON.stringify({ name: "stranger", private: true, type: "module" }));
  // Its scripts may run: an installed tarball must not try to build itself.
  const outcome = npm(folder, ["install", "--offline", "--omit=dev", ...tarballs]);
  if (outcome.status !== 0) throw new Error(`npm install failed\n${outcome.stderr}`);
  return {
    folder,
    write,
    node: (...parameters) => run(process.execPath, parameters, folder),
    npm: (...parameters) => npm(folder, parameters),
  };
}

/** The folders of what the package needs at run time, all the way down, and of Node's types. */
function dependencies(): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const folder = join(root, "node_modules", name);
    if (found.has(folder)) return;
    found.add(folder);
    for (const dependency of dependenciesOf(folder)) visit(dependency);
  };
  for (const name of [...dependenciesOf(root), "@types/node"]) visit(name);
  return [...found];
}

function dependenciesOf(folder: string): readonly string[] {
  // A package.json's dependencies are an object of ranges by name.
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies?: object };
  return Object.keys(manifest.dependencies ?? {});
}

function npm(folder: string, parameters: readonly string[]): Outcome {
  return run("npm", [...parameters, "--no-audit", "--no-fund", "--no-update-notifier"], folder);
}

function run(command: string, parameters: readonly string[], cwd: string): Outcome {
  // What npm or Jest told this process is not told to a stranger's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_cache$)|^NODE_(?:ENV|OPTIONS)$|^JEST_/i.test(name)),
  );
  return spawnSync(command, parameters, { cwd, env, encoding: "utf8" });
}
