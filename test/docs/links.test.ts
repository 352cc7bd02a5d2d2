import { describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { documents, readDocument, root } from "./blocks.ts";

/** A document without what stands in its fenced blocks. */
function prose(document: string): string {
  return readDocument(document).replaceAll(/^```[^]*?^```$/gm, "");
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

/** What a document links to and shows, other sites left out. */
function targetsOf(document: string): string[] {
  const text = prose(document).replaceAll(/`[^`\n]*`/g, "`");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)];
  return links.map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

describe.each(documents())("%s", (document) => {
  test("links to files that exist", () => {
    const files = targetsOf(document).map((target) => target.split("#")[0] ?? "");
    const missing = files.filter((file) => !existsSync(join(root, posix.dirname(document), file)));
    expect(missing).toEqual([]);
  });

  test("links to headings that exist", () => {
    const missing = targetsOf(document).filter((target) => {
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? document : posix.join(posix.dirname(document), file);
      return anchor !== undefined && !anchorsOf(linked).includes(anchor);
    });
    expect(missing).toEqual([]);
  });
});

test("every document can be reached from README", () => {
  const reached = new Set(["README.md"]);
  for (const document of reached) {
    for (const target of targetsOf(document)) {
      const file = posix.join(posix.dirname(document), target.split("#")[0] ?? "");
      if (file.endsWith(".md")) reached.add(file);
    }
  }
  expect(documents().filter((document) => !reached.has(document))).toEqual([]);
});
