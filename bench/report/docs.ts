import { readFileSync, writeFileSync } from "node:fs";

/** Where the figures are told. */
export const docsFile = new URL("../../docs/performance.md", import.meta.url);

/**
 * Puts tables in their places in a text: between `<!-- bench: name -->` and `<!-- /bench -->`. A
 * place whose table there is none of stays as it is.
 */
export function withTables(text: string, tables: Readonly<Record<string, string>>): string {
  return text.replace(
    /(<!-- bench: (.+) -->\n)[^]*?(\n<!-- \/bench -->)/g,
    (whole: string, start: string, name: string, end: string) =>
      tables[name] === undefined ? whole : `${start}\n${tables[name]}\n${end}`,
  );
}

/** Puts tables in their places in docs/performance.md. */
export function updateDocs(tables: Readonly<Record<string, string>>): void {
  writeFileSync(docsFile, withTables(readFileSync(docsFile, "utf8"), tables));
}
