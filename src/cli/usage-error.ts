/** The command line was used wrongly: one line is printed, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** The command whose help the reader is pointed to, once it is known. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}
