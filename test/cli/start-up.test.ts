import { describe, expect, test } from "@jest/globals";
import { RunningCommand } from "./command-line.ts";
import { Project } from "./project.ts";

/** Something that may still happen, as a connection that is being made. */
const open = "setTimeout(() => {}, 60_000);";

/** A module whose start-up hook says that it was entered, and then does what is given. */
const starting = (rest: string): string => `
  import { HttpConsumer, lifespan, ProtocolTypeRouter } from "millrace";
  export const application = ProtocolTypeRouter({
    http: HttpConsumer,
    lifespan: lifespan({
      async startup() {
        console.log("starting");
        ${rest}
      },
      shutdown() {
        console.log("shut down");
      },
    }),
  });
`;

async function stoppedWhileStarting(rest: string, ...flags: string[]) {
  using project = new Project({ "routing.js": starting(rest) });
  await using command = new RunningCommand(["serve", "routing.js", "-p", "0", ...flags], { folder: project.folder });
  await command.printed(/starting/);
  command.process.kill("SIGTERM");
  return await command.ended();
}

describe("SIGTERM while the start-up hook runs", () => {
  test("lets it end, and shuts down without having greeted anybody", async () => {
    const outcome = await stoppedWhileStarting(
      `${open} await new Promise((resolve) => process.once('SIGTERM', () => setTimeout(resolve)));`,
    );
    expect(outcome).toEqual({
      code: 0,
      output: "starting\nStopping; once more ends it at once.\nshut down\n",
      errors: "",
    });
  });

  test("ends the process after the shutdown timeout when the hook does not end", async () => {
    const outcome = await stoppedWhileStarting(`${open} await new Promise(() => {});`, "--shutdown-timeout", "0.1");
    expect(outcome).toEqual({ code: 0, output: "starting\nStopping; once more ends it at once.\n", errors: "" });
  });
});

test("a start-up hook that waits for what can't happen ends in one line", async () => {
  using project = new Project({ "routing.js": starting("await new Promise(() => {});") });
  await using command = new RunningCommand(["serve", "routing.js", "-p", "0"], { folder: project.folder });
  const { code, errors } = await command.ended();
  expect(errors).toMatch(/^millrace: The module was never loaded or started: .*start-up hook waits.*\n$/);
  expect(code).toBe(1);
});
