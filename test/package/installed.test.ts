import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type InstalledPackage, packPackage } from "../support/packed-package.ts";

const entries = ["millrace", "millrace/redis", "millrace/server", "millrace/testing", "millrace/worker"];

const consumer = `
  class ChatConsumer extends WebsocketConsumer {
    async connect() { this.accept(); }
    async receive(text) { this.send(text); }
    chat_message(event) { this.send(event.text); }
  }
  ChatConsumer.asApplication();
`;

const packed = packPackage();
let project: InstalledPackage;
beforeAll(() => {
  project = packed.install("project");
}, 60_000);
afterAll(() => packed[Symbol.dispose]());

describe("the installed package", () => {
  test.each(entries)("lets a module import %s", (entry) => {
    const code = `import * as names from "${entry}"; console.log(Object.keys(names).length > 0)`;
    expect(project.node("--input-type=module", "--eval", code)).toMatchObject({
      status: 0,
      stdout: "true\n",
      stderr: "",
    });
  });

  test.each(entries)("lets a script require %s", (entry) => {
    const code = `console.log(Object.keys(require("${entry}")).length > 0)`;
    expect(project.node("--input-type=commonjs", "--eval", code)).toMatchObject({
      status: 0,
      stdout: "true\n",
      stderr: "",
    });
  });

  test("gives one and the same class to those who import it and those who require it", () => {
    const code = `
      import { createRequire } from "node:module";
      import { WebsocketConsumer } from "millrace";
      const required = createRequire(import.meta.url)("millrace");
      console.log(required.WebsocketConsumer === WebsocketConsumer);`;
    expect(project.node("--input-type=module", "--eval", code)).toMatchObject({
      status: 0,
      stdout: "true\n",
      stderr: "",
    });
  });

  test("shows its package.json", () => {
    const code = `console.log(require("millrace/package.json").name)`;
    expect(project.node("--input-type=commonjs", "--eval", code)).toMatchObject({ status: 0, stdout: "millrace\n" });
  });

  test("shows nothing else", () => {
    const { status, stderr } = project.node("--input-type=module", "--eval", `import "millrace/dist/index.js"`);
    expect(status).toBe(1);
    expect(stderr).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("puts its program where npx finds it", () => {
    const { status, stdout } = project.npm("exec", "--offline", "--", "millrace", "--help");
    expect(stdout).toContain("Usage: millrace");
    expect(status).toBe(0);
  });
});

describe("without ws and ioredis", () => {
  let bare: InstalledPackage;
  beforeAll(() => {
    bare = packed.install("bare");
    for (const name of ["ws", "ioredis"])
      rmSync(join(bare.folder, "node_modules", name), { recursive: true, force: true });
  }, 60_000);

  test("a consumer is imported and defined, because neither is loaded for it", () => {
    const code = `import { WebsocketConsumer } from "millrace"; ${consumer} console.log("defined")`;
    expect(bare.node("--input-type=module", "--eval", code)).toMatchObject({
      status: 0,
      stdout: "defined\n",
      stderr: "",
    });
  });

  test("the server is missed, because it does load ws", () => {
    const { status, stderr } = bare.node("--input-type=module", "--eval", `import "millrace/server"`);
    expect(status).toBe(1);
    expect(stderr).toContain("Cannot find package 'ws'");
  });

  test("the layers on Redis are missed, because they do load ioredis", () => {
    const { status, stderr } = bare.node("--input-type=module", "--eval", `import "millrace/redis"`);
    expect(status).toBe(1);
    expect(stderr).toContain("Cannot find package 'ioredis'");
  });
});
