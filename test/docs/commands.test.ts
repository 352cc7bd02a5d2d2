import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCommandLine } from "../../src/cli/arguments.ts";
import { blocksOf, documents, readDocument, root } from "./blocks.ts";

/** The commands of a shell's block; `a && b` is two. */
function commandsIn(code: string): string[] {
  return code
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .flatMap((line) => line.split("&&"))
    .map((command) => command.trim());
}

/** The words for `millrace` in a command, or in what a service manager or a container is told to run. */
function wordsFor(command: string): string[] | undefined {
  const list = /^CMD (\[.*\])$/.exec(command)?.[1];
  const words = list === undefined ? command.replace(/^ExecStart=/, "").split(/\s+/) : (JSON.parse(list) as string[]);
  const program = words.findIndex((word) => word === "millrace" || word.endsWith("/.bin/millrace"));
  const before = words.slice(0, Math.max(0, program));
  const isRun = program !== -1 && before.every((word) => /^(?:npx|node|\/usr\/bin\/node)$/.test(word));
  return isRun ? words.slice(program + 1) : undefined;
}

/** What documents tell their reader to run, and where. */
const invocations = documents().flatMap((document) => {
  const blocks = blocksOf(document).filter(({ language }) => ["sh", "ini", "dockerfile"].includes(language));
  const inText = [...readDocument(document).matchAll(/`(millrace \w+ [^`]+)`/g)].map(([, command = ""]) => command);
  return [...blocks.flatMap(({ code }) => commandsIn(code)), ...inText].flatMap((command) => {
    const words = wordsFor(command);
    return words === undefined ? [] : [{ document, command, words }];
  });
});

describe("the command line knows what documents tell to type", () => {
  test.each(invocations)("$document: $command", ({ words }) => {
    expect(() => parseCommandLine(words, {})).not.toThrow();
  });

  test("documents tell to type something", () => {
    const commands = invocations.map(({ words }) => words[0]);
    for (const command of ["serve", "routes", "check"]) expect(commands).toContain(command);
  });
});

describe("README's quick start", () => {
  const [, section = ""] = readDocument("README.md").split(/^## Quick start$/m);
  const lines = [...(section.split(/^## /m)[0] ?? "").matchAll(/^```sh\n([^]*?)\n```$/gm)].flatMap(([, code = ""]) =>
    code.split("\n"),
  );

  test("has two lines to type", () => {
    expect(lines).toEqual(["npm ci && npm start", "npm ci && npm test"]);
  });

  test("types what the package has scripts for", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const script of ["start", "test"]) expect(scripts[script]).toBeDefined();
    const served = commandsIn(scripts["start"] ?? "").at(-1) ?? "";
    const words = served.split(/\s+/).slice(2);
    expect(parseCommandLine(words, {})).toMatchObject({ command: "serve", module: "routing/routing.ts" });
  });

  test("says where the chat is", () => {
    expect(section).toContain("http://127.0.0.1:8000");
  });
});
