import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a file of each folder may import, and some of what it may not. */
const floors: ReadonlyArray<{ file: string; allowed: readonly string[]; refused: readonly string[] }> = [
  {
    file: "src/protocol/example.ts",
    allowed: ["./scope.ts", "node:http"],
    refused: ["../flow/mailbox.ts", "../consumer/consumer.ts", "../server/server.ts", "../index.ts", "ws"],
  },
  {
    file: "src/flow/example.ts",
    allowed: ["./mailbox.ts", "node:timers"],
    refused: ["../protocol/errors.ts", "../layers/memory.ts", "../testing/communicator.ts", "ws"],
  },
  {
    file: "src/redis/example.ts",
    allowed: ["./client.ts", "../protocol/errors.ts", "../flow/backoff.ts", "node:crypto", "ioredis"],
    refused: ["../layers/memory.ts", "../server/server.ts", "ws"],
  },
  {
    file: "src/layers/example.ts",
    allowed: [
      "./memory.ts",
      "./codec/codec.ts",
      "../protocol/errors.ts",
      "../flow/backoff.ts",
      "../redis/client.ts",
      "ioredis",
    ],
    refused: ["../consumer/consumer.ts", "../server/server.ts", "../worker/worker.ts", "ws"],
  },
  {
    file: "src/layers/codec/example.ts",
    allowed: ["./codec.ts", "../../protocol/errors.ts", "node:crypto"],
    refused: ["../memory.ts", "../../redis/client.ts", "../../consumer/consumer.ts", "ioredis", "ws"],
  },
  {
    file: "src/consumer/example.ts",
    allowed: ["./handlers.ts", "../protocol/errors.ts", "../flow/mailbox.ts", "node:util"],
    refused: ["../layers/memory.ts", "../router/url.ts", "../server/server.ts", "../redis/client.ts", "ws", "ioredis"],
  },
  {
    file: "src/router/example.ts",
    allowed: ["./url.ts", "../protocol/errors.ts", "../flow/mailbox.ts", "path-to-regexp"],
    refused: ["../consumer/consumer.ts", "../server/server.ts", "../middleware/origin.ts", "ws"],
  },
  {
    file: "src/middleware/example.ts",
    allowed: ["./origin.ts", "../protocol/errors.ts", "../flow/mailbox.ts"],
    refused: ["../router/url.ts", "../server/server.ts", "../cli/main.ts", "ws", "ioredis"],
  },
  {
    file: "src/server/example.ts",
    allowed: ["./server.ts", "../protocol/errors.ts", "../flow/mailbox.ts", "node:timers/promises", "ws"],
    refused: ["../layers/memory.ts", "../consumer/consumer.ts", "../testing/live-server.ts", "ioredis"],
  },
  {
    file: "src/client/example.ts",
    allowed: ["./client.ts", "../protocol/close-codes.ts", "../flow/backoff.ts"],
    refused: ["../server/server.ts", "node:net", "ws", "path-to-regexp"],
  },
  {
    file: "src/worker/example.ts",
    allowed: ["./worker.ts", "../layers/memory.ts", "../router/url.ts", "../protocol/errors.ts"],
    refused: ["../testing/communicator.ts", "../cli/main.ts", "../index.ts", "ws", "ioredis"],
  },
  {
    file: "src/testing/example.ts",
    allowed: ["./communicator.ts", "../server/server.ts", "../layers/memory.ts", "../consumer/consumer.ts"],
    refused: ["../worker/worker.ts", "../cli/main.ts", "../server.ts", "ws", "ioredis", "@jest/globals"],
  },
  {
    file: "src/cli/example.ts",
    allowed: ["./main.ts", "../server/server.ts", "../worker/worker.ts", "../layers/memory.ts", "tsx/esm/api"],
    refused: ["../testing/communicator.ts", "../index.ts", "ws", "ioredis"],
  },
  {
    file: "src/example.ts",
    allowed: ["./protocol/errors.ts", "./server/server.ts", "./testing/communicator.ts", "node:http"],
    refused: ["./cli/main.ts", "./index.ts", "ws", "ioredis"],
  },
  {
    file: "consumers/example.ts",
    allowed: ["./chat.ts", "../routing/routing.ts", "millrace", "millrace/server", "millrace/testing", "node:net"],
    refused: ["../src/index.ts", "../dist/index.js", "./../src/index.ts", "millrace/dist/index.js", "ws", "ioredis"],
  },
  {
    file: "routing/example.ts",
    allowed: ["./pages.ts", "../consumers/chat.ts", "millrace", "millrace/server", "node:fs/promises"],
    refused: ["../src/index.ts", "../dist/index.js", "../test/support/browser.mjs", "ws", "path-to-regexp"],
  },
  {
    file: "bench/servers/millrace.js",
    allowed: ["../../dist/index.js", "../../dist/redis.js", "../../dist/server.js", "node:net"],
    refused: ["../../src/index.ts", "../../dist/layers/redis.js", "../../dist/server/serve.js", "ws", "ioredis"],
  },
];

const others: Readonly<Record<string, string>> = {
  "src/consumer/forms.ts": [
    `export { a } from "../server/a.ts";`,
    `export * from "../server/b.ts";`,
    `import type { C } from "../server/c.ts";`,
    `export const d = import("../server/d.ts");`,
    `export type E = import("../server/e.ts").E;`,
    `import { f } from "../protocol/../server/f.ts";`,
  ].join("\n"),
  "src/router/cycle-one.ts": `import type { Two } from "./cycle-two.ts";\nexport type One = Two[];`,
  "src/router/cycle-two.ts": `import type { One } from "./cycle-one.ts";\nexport type Two = One[];`,
  "src/router/default.ts": `export default 1;`,
  "src/router/print.ts": `console.log("printed");`,
  "src/cli/print.ts": `console.log("printed");`,
};

interface Finding {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
}

let folder: string;
let findings: readonly Finding[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-floors-"));
  // Types are not needed to see an import, and the files imported here do not exist.
  const configuration = readFileSync(join(root, ".oxlintrc.json"), "utf8");
  write(".oxlintrc.json", configuration.replace(`"typeAware": true`, `"typeAware": false`));
  for (const { file, allowed, refused } of floors) write(file, lines([...allowed, ...refused]));
  for (const [file, text] of Object.entries(others)) write(file, text);
  findings = lint();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the floors", () => {
  test.each(floors)("let $file import what is below it and nothing else", ({ file, allowed, refused }) => {
    const imports = [...allowed, ...refused];
    expect(imports.filter((_specifier, index) => isRefused(file, index + 1))).toEqual(refused);
  });

  test("stand for every folder of src", () => {
    const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const known = floors.map(({ file }) => dirname(file));
    expect(known).toEqual(expect.arrayContaining(folders.map((entry) => `src/${entry.name}`)));
  });

  test.each([
    [1, "export … from"],
    [2, "export * from"],
    [3, "import type"],
    [4, "import()"],
    [5, "the type import()"],
    [6, "a path that goes down before it goes up"],
  ])("are not left by the form of the import (%i: %s)", (line) => {
    const found = findings.filter((finding) => finding.file === "src/consumer/forms.ts" && finding.line === line);
    expect(found).not.toEqual([]);
  });
});

describe("the linter", () => {
  test("refuses files that import each other, be it for types alone", () => {
    expect(rulesIn("src/router/cycle-one.ts")).toContain("import(no-cycle)");
  });

  test("refuses a default export", () => {
    expect(rulesIn("src/router/default.ts")).toContain("import(no-default-export)");
  });

  test("lets only the command line print", () => {
    expect(rulesIn("src/router/print.ts")).toContain("eslint(no-console)");
    expect(rulesIn("src/cli/print.ts")).not.toContain("eslint(no-console)");
  });
});

function lines(specifiers: readonly string[]): string {
  return specifiers.map((specifier) => `import ${JSON.stringify(specifier)};`).join("\n");
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), `${text}\n`);
}

function lint(): readonly Finding[] {
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, "--format", "json"], {
    cwd: folder,
    encoding: "utf8",
  });
  // The shape that oxlint's JSON reporter documents.
  const { diagnostics } = JSON.parse(stdout || stderr) as {
    diagnostics: ReadonlyArray<{
      code: string;
      filename: string;
      labels: ReadonlyArray<{ span: { line: number } }>;
    }>;
  };
  return diagnostics.map(({ code, filename, labels }) => ({
    rule: code,
    file: filename,
    line: labels[0]?.span.line ?? 0,
  }));
}

function isRefused(file: string, line: number): boolean {
  const rule = "eslint(no-restricted-imports)";
  return findings.some((finding) => finding.file === file && finding.line === line && finding.rule === rule);
}

function rulesIn(file: string): readonly string[] {
  return findings.filter((finding) => finding.file === file).map((finding) => finding.rule);
}
