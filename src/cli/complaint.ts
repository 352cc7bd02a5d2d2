import { isMillraceError } from "../protocol/errors.ts";
import { printable, printableLines, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Says in one line what went wrong, and with `trace` where. Returns the exit code: 2 for a wrong
 * command line, and 1 for all else.
 */
export function complain(error: Error, terminal: Terminal, trace: boolean): 1 | 2 {
  const usage = error instanceof UsageError;
  const hint = usage ? ` See millrace ${error.command === undefined ? "" : `${error.command} `}--help.` : "";
  const sentence = printable(error.message.replaceAll(/\s*\n\s*/g, " "));
  terminal.print(`${terminal.red("millrace:")} ${sentence}${hint}`);
  // What is no error of ours nor the system's was not foreseen: only its stack says where it comes from.
  if (trace || !(usage || isMillraceError(error) || "syscall" in error)) terminal.print(stackText(error));
  return usage ? 2 : 1;
}

/** The stack of an error, and those of the errors behind it. */
export function stackText(error: Error, seen: readonly Error[] = []): string {
  const stack = printableLines(error.stack ?? String(error));
  const { cause } = error;
  if (!(cause instanceof Error) || seen.includes(cause)) return stack;
  return `${stack}\nCaused by: ${stackText(cause, [...seen, error])}`;
}
