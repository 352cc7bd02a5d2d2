import { availableParallelism } from "node:os";
import { describe, expect, test } from "@jest/globals";
import { parseCommandLine } from "../../src/cli/arguments.ts";
import { commands, commonFlags } from "../../src/cli/commands.ts";
import { readFlagValue } from "../../src/cli/flag-values.ts";
import { helpText } from "../../src/cli/help.ts";

const none = {};

describe("A command line", () => {
  test("names a command, a module and flags in any order", () => {
    expect(parseCommandLine(["serve", "--port", "80", "app.js", "--reload", "--unix=x.sock"], none)).toEqual({
      command: "serve",
      module: "app.js",
      flags: { port: 80, reload: true, unix: "x.sock" },
    });
  });

  test("takes short flags", () => {
    expect(parseCommandLine(["serve", "app.js", "-q", "-p", "0"], none)).toMatchObject({
      flags: { quiet: true, port: 0 },
    });
  });

  test("gives times in milliseconds and sizes in bytes", () => {
    const words = ["serve", "app.js", "--ping-interval", "0.5", "--ws-max-message", "64k", "--shutdown-timeout=30"];
    expect(parseCommandLine(words, none)).toMatchObject({
      flags: { "ping-interval": 500, "ws-max-message": 65_536, "shutdown-timeout": 30_000 },
    });
  });

  test("takes the address from the environment, and flags before it", () => {
    const environment = { HOST: "0.0.0.0", PORT: "9000" };
    expect(parseCommandLine(["serve", "app.js", "--port", "80"], environment)).toMatchObject({
      flags: { host: "0.0.0.0", port: 80 },
    });
    expect(parseCommandLine(["serve", "app.js"], { HOST: "", PORT: "" })).toMatchObject({ flags: {} });
    expect(() => parseCommandLine(["serve", "app.js"], { PORT: "http" })).toThrow(
      'PORT can\'t be used; got "http"; wanted a port from 0 to 65535.',
    );
  });

  test("asks for help or for the version", () => {
    expect(parseCommandLine(["--version"], none)).toEqual({ command: "version" });
    expect(parseCommandLine(["-h"], none)).toEqual({ command: "help", about: undefined });
    expect(parseCommandLine(["serve", "--help"], none)).toEqual({ command: "help", about: "serve" });
  });

  test("for doctor does without a module", () => {
    expect(parseCommandLine(["doctor", "--json"], none)).toEqual({
      command: "doctor",
      module: undefined,
      flags: { json: true },
    });
  });

  test.each([
    [[], "No command was given. The commands are serve, routes, check, worker, jobs, doctor."],
    [
      ["sevre", "app.js"],
      'There is no command "sevre"; did you mean "serve"? The commands are serve, routes, check, worker, jobs, doctor.',
    ],
    [["toString"], 'There is no command "toString". The commands are serve, routes, check, worker, jobs, doctor.'],
    [
      ["--port", "1", "serve"],
      "The command comes first, before --port. The commands are serve, routes, check, worker, jobs, doctor.",
    ],
    [["serve"], "millrace serve needs a module."],
    [["jobs"], "millrace jobs needs a channel."],
    [["jobs", "a", "b"], "millrace jobs takes one channel; got a and b."],
    [["worker", "app.js", "--channels", "a,,b"], '--channels can\'t be used; got "a,,b"; wanted names with commas'],
    [["jobs", "a", "--list", "done"], '--list can\'t be used; got "done"; wanted waiting, running, retrying or aside.'],
    [["doctor", "a.js", "b.js"], "millrace doctor takes one module; got a.js and b.js."],
    [["check", "a.js", "b.js"], "millrace check takes one module; got a.js and b.js."],
    [["serve", "app.js", "--prot", "1"], 'millrace serve has no flag --prot; did you mean "--port"?'],
    [["routes", "app.js", "--port", "1"], "millrace routes has no flag --port."],
    [["serve", "app.js", "--port"], "--port can't be used; got nothing; wanted a port from 0 to 65535."],
    [["serve", "app.js", "--port", "--quiet"], '--port can\'t be used; got "--quiet"; wanted a port from 0 to 65535.'],
    [["serve", "app.js", "--reload=yes"], '--reload can\'t be used; got "yes"; wanted no value.'],
  ])("%j is refused with one sentence", (words, message) => {
    expect(() => parseCommandLine(words, none)).toThrow(message);
  });
});

describe("The text of a flag", () => {
  test.each([
    ["port", "65535", 65_535],
    ["port", "65536", undefined],
    ["port", "-1", undefined],
    ["port", "", undefined],
    ["seconds", "20", 20_000],
    ["seconds", "1.5", 1500],
    ["seconds", "0", undefined],
    ["seconds", "20s", undefined],
    ["seconds", "1e3", undefined],
    ["seconds", "99999999", undefined],
    ["size", "100", 100],
    ["size", "1MiB", 1_048_576],
    ["size", "1 mb", 1_048_576],
    ["size", "1.5k", 1536],
    ["size", "0", undefined],
    ["size", "1t", undefined],
    ["size", "k", undefined],
    ["count", "1", 1],
    ["count", "0", undefined],
    ["count", "1000001", undefined],
    ["workers", "4", 4],
    ["workers", "auto", availableParallelism()],
    ["workers", "0", undefined],
    ["workers", "1025", undefined],
    ["workers", "all", undefined],
    ["names", "a, b.c", ["a", "b.c"]],
    ["names", "", undefined],
    ["names", "a,", undefined],
    ["state", "aside", "aside"],
    ["state", "done", undefined],
    ["mount", "/chat/", "/chat"],
    ["mount", "/", ""],
    ["mount", "chat", undefined],
    ["proxies", "2", 2],
    ["proxies", "127.0.0.1, 10.0.0.0/8", ["127.0.0.1", "10.0.0.0/8"]],
    ["proxies", "0", undefined],
    ["proxies", "localhost", undefined],
    ["text", "", undefined],
  ] as const)("as %s, %j is %j", (kind, text, value) => {
    expect(readFlagValue(kind, text)).toEqual(value);
  });
});

describe("The help", () => {
  test("of a command names each of its flags, what it does and what counts without it", () => {
    for (const [name, { flags }] of Object.entries(commands)) {
      const help = helpText(name as keyof typeof commands).replaceAll(/\s+/g, " ");
      for (const flag of [...flags, ...commonFlags]) {
        expect(help).toContain(`--${flag.name}`);
        expect(help).toContain(flag.summary);
        if ("initial" in flag) expect(help).toContain(`default ${flag.initial}`);
      }
    }
  });

  test("fits into 100 columns", () => {
    const names = ["serve", "routes", "check", "worker", "jobs"] as const;
    const texts = [helpText(undefined), ...names.map(helpText)];
    expect(texts.flatMap((text) => text.split("\n")).filter((line) => line.length > 100)).toEqual([]);
  });

  test("reads well", () => {
    expect(`\n${helpText(undefined)}`).toMatchInlineSnapshot(`
"
Serves consumers over WebSockets and HTTP.

Usage: millrace <command> <module or channel> [flags]

Commands:
  serve   Serve an application.
  routes  Print the table of routes.
  check   Check an application without serving it.
  worker  Work off background channels.
  jobs    Look after the jobs of a background channel.
  doctor  Examine the Redis of a channel layer.

<module> is a path to a JavaScript or TypeScript module. It exports the application as \`application\`
or as its default, and may export \`layers\`, a record of channel layers by alias. Another export is
picked by its name: routing.ts#other. TypeScript is loaded by tsx, which has to be installed.

\`millrace <command> --help\` tells a command's flags, \`millrace --version\` the version."
`);
    expect(`\n${helpText("routes")}`).toMatchInlineSnapshot(`
"
Usage: millrace routes <module> [flags]

Prints protocol, pattern and target of each route of <module>, in the order in which they are tried.

<module> is a path to a JavaScript or TypeScript module. It exports the application as \`application\`
or as its default, and may export \`layers\`, a record of channel layers by alias. Another export is
picked by its name: routing.ts#other. TypeScript is loaded by tsx, which has to be installed.

Flags:
      --json
          Print the table as JSON.
  -h, --help
          Print this help.
      --trace
          Print the whole stack of an error.

Examples:
  millrace routes routing/routing.ts
  millrace routes routing/routing.ts --json"
`);
  });
});
