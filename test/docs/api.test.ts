import { describe, expect, test } from "@jest/globals";
import { quoted, readDocument, tableIn } from "./blocks.ts";
import { exportsOf } from "./source.ts";

const entries = {
  millrace: "src/index.ts",
  "millrace/redis": "src/redis.ts",
  "millrace/server": "src/server.ts",
  "millrace/testing": "src/testing.ts",
  "millrace/worker": "src/worker.ts",
};

/** The rows of an entry's tables, those of its parts too. */
function rowsOf(entry: string): string[][] {
  const section = readDocument("docs/reference/api.md")
    .split(/^## /m)
    .find((part) => part.startsWith(`\`${entry}\`\n`));
  return tableIn(section ?? "").filter(([name]) => name !== "name" && !/^-+$/.test(name ?? ""));
}

describe.each(Object.entries(entries))("docs/reference/api.md on %s", (entry, file) => {
  const rows = rowsOf(entry).map(([name, kind]) => ({ name: quoted(name)[0] ?? "", kind }));

  test("lists what it exports, each once, and nothing else", () => {
    expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(exportsOf(file)));
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });

  test("tells values from types, and says what they are", async () => {
    const values = new Map(Object.entries((await import(entry)) as Record<string, unknown>));
    const kinds = new Map([...values].map(([name, value]) => [name, kindOf(value)]));
    expect(new Map(rows.filter(({ kind }) => kind !== "type").map(({ name, kind }) => [name, kind]))).toEqual(kinds);
  });
});

function kindOf(value: unknown): string {
  if (typeof value !== "function") return "constant";
  return /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function";
}
