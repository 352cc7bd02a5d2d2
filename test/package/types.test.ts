import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type InstalledPackage, packPackage, root } from "../support/packed-package.ts";

const chat = `
import { WebsocketConsumer } from "millrace";

export class ChatConsumer extends WebsocketConsumer<"/ws/chat/:room/"> {
  override async connect(): Promise<void> {
    const room: string = this.params.room;
    // @ts-expect-error The path has no such parameter.
    void this.params.rom;
    await this.channelLayer.groupAdd(room, this.channelName);
    this.accept();
  }
  override async receive(text: string): Promise<void> {
    await this.channelLayer.groupSend<ChatConsumer>("chat", { type: "chat.message", text });
    // @ts-expect-error No handler is named so.
    await this.channelLayer.groupSend<ChatConsumer>("chat", { type: "chat.mesage", text });
  }
  chat_message(event: { text: string }): void {
    this.send(event.text);
  }
}
`;

const entries = ["millrace", "millrace/redis", "millrace/server", "millrace/testing", "millrace/worker"];

const packed = packPackage();
let project: InstalledPackage;
beforeAll(() => {
  project = packed.install("project");
}, 60_000);
afterAll(() => packed[Symbol.dispose]());

describe("the packed types", () => {
  test("check a consumer, down to its parameters and messages", () => {
    project.write("chat.mts", chat);
    expect(compile("chat.mts")).toMatchObject({ status: 0, stdout: "" });
  }, 60_000);

  test.each(entries)(
    "of %s stand on their own and on Node's, in a module and in a script",
    (entry) => {
      project.write("entry.mts", `export * from "${entry}";\n`);
      project.write("entry.cts", `import entry = require("${entry}");\nexport = entry;\n`);
      expect(compile("entry.mts", "entry.cts")).toMatchObject({ status: 0, stdout: "" });
    },
    60_000,
  );
});

/** Checks the files as a strict stranger would, libraries included. */
function compile(...files: readonly string[]): { status: number | null; stdout: string } {
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitOverride: true,
    skipLibCheck: false,
    noEmit: true,
  };
  project.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
  return project.node(join(root, "node_modules/typescript/bin/tsc"), "--project", "tsconfig.json");
}
