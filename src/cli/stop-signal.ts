/** Asks a process to end: a signal, or the process that watches over it by its word or by its end. */
export type StopRequest = "SIGINT" | "SIGTERM" | "disconnect" | "primary";

/** The exit codes by which a shell knows that a signal ended a process. */
export const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Settles when the process is first asked to end. A second signal ends it at once, with the exit
 * code that a shell expects.
 *
 * @param watched says that another process watches over this one.
 */
export function stopRequest(watched: boolean): Promise<StopRequest> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(signalExitCodes[signal]);
        asked = true;
        resolve(signal);
      });
    }
    // The parent of a reloading server lets go of its child when it is to end, or dies. A signal
    // that follows is the same wish, told by the terminal to both.
    if (watched) process.on("disconnect", () => resolve("disconnect"));
  });
}
