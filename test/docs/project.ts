import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Block, blocksOf, documents, root } from "./blocks.ts";

/** A file that a document's blocks make. */
export interface ProjectFile {
  /** Where its first block stands: `docs/tutorial.md:12`. */
  readonly origin: string;
  /** Relative to the project. */
  readonly path: string;
  /** What the compiler makes of it, relative to the project. */
  readonly program: string;
  /** Whether it is run by itself: a block without a file name is, one with a name when it says `run`. */
  readonly run: boolean;
  /** The lines that it says it prints, in order; `…` stands for anything. */
  readonly prints: readonly string[];
}

/** A folder in which the code of each document is a project of its own that depends on the package. */
export interface Project {
  readonly folder: string;
  readonly files: readonly ProjectFile[];
}

const compilerOptions = {
  target: "es2023",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  rootDir: ".",
  outDir: "program",
  rewriteRelativeImportExtensions: true,
};

/** Makes an empty project that depends on the package, and on what stands beside it in the repository. */
export function createProject(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "millrace-docs-")));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "millrace"), "dir");
  for (const name of ["@jest", "@types", "tsx", "typescript", "ws"]) {
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "dir");
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  return folder;
}

/** Writes the TypeScript of all documents as a reader would who types it in. */
export function writeProject(): Project {
  const folder = createProject();
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
  return { folder, files: documents().flatMap((document) => writeDocument(folder, document)) };
}

function writeDocument(folder: string, document: string): ProjectFile[] {
  const files = new Map<string, { origin: string; run: boolean; parts: string[] }>();
  let last: string | undefined;
  for (const block of blocksOf(document).filter(({ language }) => language === "ts")) {
    const path = join(document.replace(/\.md$/, ""), fileOf(block, last));
    last = fileOf(block, last);
    const known = files.get(path);
    if (known !== undefined && block.attributes.has("continues")) known.parts.push(block.code);
    else {
      const run = !block.attributes.has("file") || block.attributes.has("run");
      files.set(path, { origin: `${document}:${block.line}`, run, parts: [block.code] });
    }
  }
  return [...files].map(([path, { origin, run, parts }]) => {
    const code = parts.join("\n");
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Without an import or export TypeScript would take a file for a script.
    writeFileSync(join(folder, path), `${code}\nexport {};\n`);
    return { origin, path, program: join("program", path.replace(/ts$/, "js")), run, prints: printedBy(code) };
  });
}

function fileOf(block: Block, last: string | undefined): string {
  if (block.attributes.has("continues") && last !== undefined) return last;
  return block.attributes.get("file") ?? `line-${block.line}.ts`;
}

/** What stands in a comment behind a `console.log`, or on the line below it. */
function printedBy(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);(?:\n *)? *\/\/ (.+)$/gm)].map(([, line = ""]) => line);
}
