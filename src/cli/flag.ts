import type { FlagKind } from "./flag-values.ts";

/** A flag of a command, as it is parsed, printed by `--help` and listed in `docs/reference/cli.md`. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  /** What stands for the value in the help. */
  readonly placeholder?: string;
  readonly summary: string;
  /** What counts when the flag is not given, as the reader would type it. */
  readonly initial?: string;
  /** The environment variable that counts when the flag is not given. */
  readonly environment?: string;
}
