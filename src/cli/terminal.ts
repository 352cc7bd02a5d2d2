import type { WriteStream } from "node:tty";

/** Where lines are printed, with or without colours. */
export interface Terminal {
  /** Prints a line, or several with line feeds between them. */
  print(text: string): void;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** Whether what is printed to a stream is in colours: where a person reads it and `NO_COLOR` does not forbid it. */
export function isColoured(stream: NodeJS.WriteStream | WriteStream): boolean {
  return stream.isTTY && (process.env["NO_COLOR"] ?? "") === "";
}

/** Prints to a stream. */
export function terminalOn(stream: NodeJS.WriteStream | WriteStream, coloured: boolean = isColoured(stream)): Terminal {
  const style = (on: number, off: number) => (text: string) => (coloured ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  return {
    print: (text) => void stream.write(`${text}\n`),
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    yellow: style(33, 39),
  };
}

/**
 * Shows control characters instead of sending them to the terminal: paths, message types and
 * errors may hold what a stranger sent.
 */
export function printable(text: string): string {
  return text.replaceAll(controls, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The same for text of several lines, such as a stack. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

// C0 without the tab, DEL and C1.
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Ends the process after what was printed has been written. */
export async function exitWith(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(code);
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // A reader that went away, such as `head`, takes nothing more.
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write("", () => resolve());
  });
}

/** Lets a reader of our output go away without an error. */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
