import { describe, expect, test } from "@jest/globals";
import { millrace } from "./command-line.ts";
import { Project } from "./project.ts";

const routing = `
  import { HttpConsumer, path, ProtocolTypeRouter, rePath, URLRouter, WebsocketConsumer } from "millrace";
  class Chat extends WebsocketConsumer {
    static handlers = { ping: "answer" };
    chat_message() {}
    answer() {}
  }
  class Page extends HttpConsumer {}
  const inner = URLRouter([path(":room/", Chat), rePath(/^all\\/$/, Chat)]);
  export const application = ProtocolTypeRouter({
    websocket: URLRouter([path("/ws/", inner)]),
    http: URLRouter([path("/:page/", Page)]),
  });
  export { Chat };
  export const middleware = (connection) => Chat.asApplication()(connection);
`;

describe("millrace routes", () => {
  test("prints a row for each route, in the order in which they are tried", async () => {
    using project = new Project({ "routing.js": routing });
    const { code, output } = await millrace(["routes", "routing.js"], { folder: project.folder });
    expect(code).toBe(0);
    expect(`\n${output}`).toMatchInlineSnapshot(`
"
PROTOCOL   PATTERN       TARGET
websocket  /ws/:room/    Chat
websocket  /ws/(^all/$)  Chat
http       /:page/       Page
"
`);
  });

  test("prints the same as JSON", async () => {
    using project = new Project({ "routing.js": routing });
    const { output } = await millrace(["routes", "routing.js", "--json"], { folder: project.folder });
    expect(JSON.parse(output)).toContainEqual({ protocol: "websocket", pattern: "/ws/:room/", target: "Chat" });
  });

  test("prints a star where every protocol and path matches", async () => {
    using project = new Project({ "routing.js": routing });
    const { output } = await millrace(["routes", "routing.js#Chat"], { folder: project.folder });
    expect(output).toMatch(/^\* {9}\* {8}Chat$/m);
    const { output: json } = await millrace(["routes", "routing.js#Chat", "--json"], { folder: project.folder });
    expect(JSON.parse(json)).toEqual([{ protocol: null, pattern: "", target: "Chat" }]);
  });
});

describe("millrace check", () => {
  test("counts what it found to be right, each consumer once", async () => {
    using project = new Project({ "routing.js": routing });
    expect(await millrace(["check", "routing.js"], { folder: project.folder })).toEqual({
      code: 0,
      output: "routing.js is OK: 3 routes, 2 consumers, 2 handlers.\n",
      errors: "",
    });
  });

  test("fails on a handler that the consumer does not have", async () => {
    using project = new Project({ "routing.js": routing.replace('ping: "answer"', 'ping: "anser"') });
    const { code, output, errors } = await millrace(["check", "routing.js"], { folder: project.folder });
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(errors).toMatch(/^millrace: .*Chat.handlers maps "ping" to "anser"; did you mean "answer"\?.*\n$/);
  });

  test("listens nowhere, starts nothing and ends although the module keeps timers", async () => {
    using project = new Project({
      "routing.js": `import { lifespan, ProtocolTypeRouter } from "millrace";
        setInterval(() => {}, 1000);
        export default ProtocolTypeRouter({ lifespan: lifespan({ startup: () => console.log("started") }) });`,
    });
    expect(await millrace(["check", "routing.js"], { folder: project.folder })).toMatchObject({
      code: 0,
      output: "routing.js is OK: 1 route, 0 consumers, 0 handlers.\n",
    });
  });
});

describe("millrace", () => {
  test("tells its version and its help", async () => {
    const [version, help] = await Promise.all([millrace(["--version"]), millrace(["serve", "--help"])]);
    expect(version).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(help).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Usage: millrace serve <module> \[flags\]\n/),
    });
  });
});
