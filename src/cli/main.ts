#!/usr/bin/env node
import { MillraceError, toError } from "../protocol/errors.ts";
import { parseCommandLine, type Request } from "./arguments.ts";
import { complain } from "./complaint.ts";
import { helpText } from "./help.ts";
import { primaryTerminal, takeProcessRole } from "./process-role.ts";
import { exitWith, terminalOn, tolerateClosedOutput } from "./terminal.ts";
import { version } from "./version.ts";

const role = takeProcessRole();
const output = terminalOn(process.stdout, role?.coloured);
const errors = terminalOn(process.stderr, role?.coloured);
const complaints = role === undefined ? errors : primaryTerminal(errors);
const words = process.argv.slice(2);

tolerateClosedOutput();
process.once("exit", complainUnlessEnded);
// Not awaited: Node would warn of our own line when a module's top-level await never settles.
void run().then((code) => {
  process.off("exit", complainUnlessEnded);
  return exitWith(code);
});

/** The process ends because nothing can happen any more, though a module is still being loaded, or started. */
function complainUnlessEnded(code: number): void {
  if (code !== 0) return;
  const error = new MillraceError("ERR_INVALID_MODULE", {
    happened:
      "The module was never loaded or started: its top-level await or start-up hook waits for what can't happen",
  });
  process.exitCode = complain(error, complaints, false);
}

async function run(): Promise<number> {
  try {
    return await execute(parseCommandLine(words, process.env));
  } catch (thrown) {
    return complain(toError(thrown), complaints, words.includes("--trace"));
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
      return serveModule({ words, module: request.module, flags: request.flags, output, errors, role });
    }
    case "routes": {
      const { printRoutes } = await import("./routes.ts");
      return printRoutes(request.module, request.flags, output);
    }
    case "worker": {
      const { workModule } = await import("./worker.ts");
      return workModule({ module: request.module, flags: request.flags, output, errors });
    }
    case "jobs": {
      const { manageJobs } = await import("./jobs.ts");
      return manageJobs(request.channel, request.flags, output);
    }
    case "check": {
      const { checkModule } = await import("./check.ts");
      return checkModule(request.module, output, errors);
    }
    case "doctor": {
      const { examine } = await import("./doctor.ts");
      return examine(request.module, request.flags, output);
    }
  }
}
