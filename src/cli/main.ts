#!/usr/bin/env node
import { toError } from "../protocol/errors.ts";
import { parseCommandLine, type Request } from "./arguments.ts";
import { complain } from "./complaint.ts";
import { helpText } from "./help.ts";
import { exitWith, terminalOn, tolerateClosedOutput } from "./terminal.ts";
import { version } from "./version.ts";

const output = terminalOn(process.stdout);
const errors = terminalOn(process.stderr);
const words = process.argv.slice(2);

tolerateClosedOutput();
await exitWith(await run());

async function run(): Promise<number> {
  try {
    return await execute(parseCommandLine(words, process.env));
  } catch (thrown) {
    return complain(toError(thrown), errors, words.includes("--trace"));
  }
}

/** Loads a command only when it is asked for: `--help` needs no server. */
async function execute(request: Request): Promise<number> {
  switch (request.command) {
    case "version":
      output.print(version());
      return 0;
    case "help":
      output.print(helpText(request.about));
      return 0;
    case "serve": {
      const { serveModule } = await import("./serve.ts");
      return serveModule({ words, module: request.module, flags: request.flags, output, errors });
    }
    case "routes": {
      const { printRoutes } = await import("./routes.ts");
      return printRoutes(request.module, request.flags, output);
    }
    case "check": {
      const { checkModule } = await import("./check.ts");
      return checkModule(request.module, output, errors);
    }
  }
}
