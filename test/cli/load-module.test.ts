import { pathToFileURL } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { millrace, type Outcome } from "./command-line.ts";
import { Project } from "./project.ts";

/** What `millrace check` says of a module: always one line on stderr, and exit code 1. */
async function complaint(project: Project, module: string): Promise<string> {
  const { code, output, errors } = await millrace(["check", module], { folder: project.folder });
  expect({ code, output, lines: errors.split("\n").length }).toEqual({ code: 1, output: "", lines: 2 });
  return errors.trimEnd();
}

const consumer = `
  import { WebsocketConsumer } from "millrace";
  export class Echo extends WebsocketConsumer {}
`;

describe("A module that can't be loaded is told of in one line", () => {
  test("when there is no such file, with the one that was meant", async () => {
    using project = new Project({ "routing.js": "" });
    expect(await complaint(project, "routes.js")).toBe("millrace: There is no module routes.js.");
    expect(await complaint(project, "routing")).toBe("millrace: There is no module routing. Try routing.js.");
  });

  test("when it is a folder", async () => {
    using project = new Project({ "routing/index.js": "" });
    expect(await complaint(project, "routing")).toMatch(/^millrace: routing is no file; wanted the path of a /);
  });

  test("when it exports nothing of use, with what it exports", async () => {
    using project = new Project({ "routing.js": "export const routes = 1, urls = 2;", "empty.js": "" });
    expect(await complaint(project, "routing.js")).toBe(
      "millrace: routing.js does not export an application; it exports routes, urls; " +
        "wanted an export named application, or a default. Another export is picked by its name: routing.js#routes.",
    );
    expect(await complaint(project, "empty.js")).toMatch(/; it exports nothing; wanted/);
  });

  test("when it does not export what was asked for, with the nearest name", async () => {
    using project = new Project({ "routing.js": "export const chat = 1, application = 2;" });
    expect(await complaint(project, "routing.js#aplication")).toBe(
      "millrace: routing.js does not export aplication; it exports application, chat. " +
        "Another export is picked by its name: routing.js#application.",
    );
  });

  test("when the export is no application", async () => {
    using project = new Project({
      "number.js": "export const application = 42;",
      "class.js": "export default class Chat {}",
      "listener.js": "export default function listener(request, response, next) {}",
    });
    expect(await complaint(project, "number.js")).toMatch(
      /^millrace: The export application of number.js can't be served: .*got 42; wanted a consumer's class/,
    );
    expect(await complaint(project, "class.js")).toMatch(/^millrace: The export default of class.js can't be served/);
    expect(await complaint(project, "listener.js")).toMatch(/nodeListener\(listener\)/);
  });

  test("when its layers are none", async () => {
    using project = new Project({
      "record.js": `${consumer} export default Echo; export const layers = { default: {} };`,
      "layer.js": `${consumer} import { InMemoryChannelLayer } from "millrace";
        export default Echo; export const layers = new InMemoryChannelLayer();`,
    });
    expect(await complaint(project, "record.js")).toMatch(/exports layers that can't be used; got \{\}; wanted/);
    expect(await complaint(project, "layer.js")).toMatch(
      /got an object of class InMemoryChannelLayer; wanted a record/,
    );
  });

  test("when it throws, with the place in the user's own code", async () => {
    using project = new Project({
      "routing.js": 'import { path } from "millrace";\n\npath("/a/:", () => {});',
      "deep/routing.ts": 'import { boom } from "./boom.ts";\nboom("first");',
      "deep/boom.ts": 'export function boom(what: string): never {\n  throw new TypeError(what + "\\nsecond line");\n}',
    });
    expect(await complaint(project, "routing.js")).toMatch(
      /^millrace: routing.js failed while it was loaded: .* \(routing.js:3:1\)\.$/,
    );
    expect(await complaint(project, "deep/routing.ts")).toBe(
      "millrace: deep/routing.ts failed while it was loaded: TypeError: first (deep/boom.ts:2:9).",
    );
  });

  test("when it throws something that is no error", async () => {
    using project = new Project({ "routing.js": 'throw "a string";' });
    expect(await complaint(project, "routing.js")).toMatch(/Something that is not an Error was thrown; got "a string"/);
  });

  test("when it imports what is not there", async () => {
    using project = new Project({ "routing.js": 'import "./gone.js";', "package.js": 'import "no-such-package";' });
    expect(await complaint(project, "routing.js")).toMatch(
      /failed while it was loaded: Cannot find module '.*gone.js'/,
    );
    expect(await complaint(project, "package.js")).toMatch(/Cannot find package 'no-such-package'/);
  });

  test("when it does not parse, with file and line", async () => {
    using project = new Project({
      "routing.js": 'export * from "./inner/bad.js";',
      "inner/bad.js": "const a = 1;\nconst b = ;",
      "routing.ts": 'export * from "./inner/bad.ts";',
      "inner/bad.ts": "const a: number = 1;\n\nconst b = ;",
      "routing.cjs": "const a = 1;\nconst b = ;",
      "export.js": 'import { nothing } from "./inner/good.js";',
      "inner/good.js": "",
    });
    expect(await complaint(project, "routing.js")).toBe(
      "millrace: routing.js can't be loaded: Unexpected token ';' (inner/bad.js:2).",
    );
    expect(await complaint(project, "routing.ts")).toBe(
      'millrace: routing.ts can\'t be loaded: Unexpected ";" (inner/bad.ts:3).',
    );
    expect(await complaint(project, "routing.cjs")).toBe(
      "millrace: routing.cjs can't be loaded: Unexpected token ';' (routing.cjs:2).",
    );
    expect(await complaint(project, "export.js")).toMatch(
      /does not provide an export named 'nothing' \(export.js:1\)\.$/,
    );
  });

  test("when its top-level await never settles", async () => {
    using project = new Project({ "routing.js": "await new Promise(() => {});" });
    expect(await complaint(project, "routing.js")).toMatch(
      /^millrace: The module was never loaded or started: its top-level await/,
    );
  });

  test("and with --trace in many", async () => {
    using project = new Project({ "routing.js": 'throw new RangeError("too far");' });
    const { code, errors } = await millrace(["check", "routing.js", "--trace"], { folder: project.folder });
    expect(code).toBe(1);
    expect(errors).toMatch(/^ {4}at /m);
    expect(errors).toMatch(/^Caused by: RangeError: too far\n {4}at .*routing.js:1:7/m);
  });

  test("when tsx, which a TypeScript module needs, is not installed", async () => {
    using project = Project.withoutTsx({
      "routing.ts": `${consumer} export default Echo;`,
      "plain.js": `${consumer} export default Echo;`,
    });
    const run = (module: string): Promise<Outcome> =>
      millrace(["check", module], { folder: project.folder, bin: project.bin });
    expect(await run("routing.ts")).toEqual({
      code: 1,
      output: "",
      errors:
        "millrace: routing.ts is TypeScript, and tsx, which loads it, is not installed. " +
        "Install it (npm install --save-dev tsx), or compile the module and give its JavaScript.\n",
    });
    expect(await run("plain.js")).toMatchObject({ code: 0 });
  });
});

describe("A module's application", () => {
  test("is the export application, or else the default, or what is asked for", async () => {
    using project = new Project({
      "both.js": `${consumer} export class Other extends Echo {}\n export { Echo as application, Other as default };`,
      "default.js": `${consumer} export default Echo;`,
    });
    const target = async (module: string): Promise<string> =>
      (await millrace(["routes", module], { folder: project.folder })).output.trimEnd().split(/\s+/).at(-1) ?? "";
    expect(await target("both.js")).toBe("Echo");
    expect(await target("default.js")).toBe("Echo");
    expect(await target("both.js#Other")).toBe("Other");
  });

  test.each([
    ["an ES module", "module", "routing.ts"],
    ["an ES module by its extension", "commonjs", "routing.mts"],
    ["a CommonJS module", "commonjs", "routing.ts"],
    ["a CommonJS module by its extension", "module", "routing.cts"],
    ["an ES module in JavaScript", "module", "routing.js"],
    ["a CommonJS module in JavaScript", "commonjs", "routing.js"],
  ] as const)("shares one copy of Millrace with the command line: %s", async (_kind, type, file) => {
    const required = 'const { Consumer, WebsocketConsumer } = require("millrace");';
    const imported = 'import { Consumer, WebsocketConsumer } from "millrace";';
    const inJavaScript = type === "commonjs" && file === "routing.js";
    using project = new Project(
      {
        // It runs before the command, and gets the copy that the command gets.
        "before.mjs": 'import { Consumer } from "millrace"; globalThis.expected = Consumer;',
        [file]: `
          ${inJavaScript ? required : imported}
          console.log(globalThis["expected"] === Consumer ? "one copy" : "two copies");
          class Echo extends WebsocketConsumer {}
          ${inJavaScript ? "exports.application = Echo;" : "export { Echo as application };"}
        `,
      },
      type,
    );
    const environment = { NODE_OPTIONS: `--import ${pathToFileURL(project.path("before.mjs")).href}` };
    expect(await millrace(["check", file], { folder: project.folder, environment })).toEqual({
      code: 0,
      output: `one copy\n${file} is OK: 1 route, 1 consumer, 0 handlers.\n`,
      errors: "",
    });
  });
});
