import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block of a document. */
export interface Block {
  /** Relative to the repository. */
  readonly document: string;
  readonly line: number;
  /** The first word behind the fence. */
  readonly language: string;
  /** The rest behind the fence: `file=consumers/chat.ts`, `continues`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly code: string;
}

/** All Markdown that the project ships. */
export function documents(): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return ["README.md", ...docs].toSorted();
}

export function readDocument(document: string): string {
  return readFileSync(join(root, document), "utf8").replaceAll("\r\n", "\n");
}

/** The fenced blocks of a document, in order. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; code: string[] } | undefined;
  for (const [index, line] of readDocument(document).split("\n").entries()) {
    if (!line.startsWith("```")) open?.code.push(line);
    else if (open === undefined) open = { line: index + 1, info: line.slice(3).trim(), code: [] };
    else {
      const [language = "", ...words] = open.info.split(/\s+/);
      const attributes = new Map(
        words.map((word): [string, string] => [word.split("=")[0] ?? "", word.split("=")[1] ?? ""]),
      );
      blocks.push({ document, line: open.line, language, attributes, code: open.code.join("\n") });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${document}:${open.line}: a block is not closed`);
  return blocks;
}

/** The rows of the tables under a heading, header and rule left out, each a list of cells. */
export function tableUnder(document: string, heading: string): string[][] {
  const lines = readDocument(document).split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start === -1) throw new Error(`${document} has no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  return tableIn(rest.slice(0, end === -1 ? undefined : end).join("\n")).slice(2);
}

/** The rows of the tables in a text, header and rule among them, each a list of cells. */
export function tableIn(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf("|"))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** What stands between backticks in a cell, what stands in parentheses left out. */
export function quoted(cell = ""): string[] {
  return [...cell.replaceAll(/\([^)]*\)/g, "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}
