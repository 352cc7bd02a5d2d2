import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";

/** How many files are looked through for the one that does not parse. */
const maxFiles = 100;

/** A place in a source file, and what is wrong there. */
export interface SyntaxFault {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

/**
 * Where the syntax error is that kept a module from loading, or `undefined` when it is none. esbuild
 * tells it in its message, and CommonJS in the stack's first line. For an ES module Node keeps the
 * place to itself, so the module and what it imports are checked one by one.
 */
export function syntaxFault(error: Error, module: string): SyntaxFault | undefined {
  if (error.name === "TransformError") return fromCompiler(error.message);
  if (!(error instanceof SyntaxError)) return undefined;
  return fromOutput(error.stack ?? "") ?? fromFiles(module);
}

function fromCompiler(message: string): SyntaxFault | undefined {
  const [, file, line, problem] = /^(.+):(\d+):\d+: ERROR: (.+)$/m.exec(message) ?? [];
  return file === undefined || problem === undefined ? undefined : { file, line: Number(line), problem };
}

/** Reads what Node puts before an error: the place, the line, a marker, and then the error. */
function fromOutput(output: string): SyntaxFault | undefined {
  const [, place = ""] = /^((?:file:\/\/|\/|[A-Za-z]:[\\/]).*:\d+)$/m.exec(output) ?? [];
  const [, problem] = /^SyntaxError: (.+)$/m.exec(output) ?? [];
  const at = place.lastIndexOf(":");
  if (at === -1 || problem === undefined) return undefined;
  const file = place.slice(0, at);
  return { file: file.startsWith("file://") ? fileURLToPath(file) : file, line: Number(place.slice(at + 1)), problem };
}

function fromFiles(module: string): SyntaxFault | undefined {
  const files = new Set([module]);
  for (const file of files) {
    if (files.size > maxFiles) return undefined;
    const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
    const fault = fromOutput(stderr);
    if (fault !== undefined) return fault;
    for (const imported of importedFiles(file)) files.add(imported);
  }
  return undefined;
}

/** What a file imports by a relative path, as far as a glance at its text tells. */
function importedFiles(file: string): string[] {
  const imports = readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g);
  return Array.from(imports, ([, path = ""]) =>
    fileURLToPath(new URL(path, pathToFileURL(resolve(dirname(file), "x")))),
  ).filter((path) => /\.[cm]?js$/.test(path) && existsSync(path) && statSync(path).isFile());
}
