import type { Readable } from "node:stream";
import type { Terminal } from "./terminal.ts";

/** A line that is longer than so many characters is printed in pieces. */
const longestLine = 64 * 1024;

/** Prints what a process writes, line by line with a prefix, until it writes no more. */
export async function relayLines(from: Readable, to: Terminal, prefix: string): Promise<void> {
  const print = (lines: readonly string[]): void => {
    if (lines.length > 0) to.print(lines.map((line) => `${prefix} ${line}`.trimEnd()).join("\n"));
  };
  let rest = "";
  for await (const text of from.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) {
      lines.push(rest);
      rest = "";
    }
    print(lines);
  }
  if (rest !== "") print([rest]);
}
