import cluster from "node:cluster";
import type { StopRequest } from "./stop-signal.ts";
import { signalExitCodes } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

/** Tells a process that it is one of several, and which. */
const variable = "MILLRACE_PROCESS";

/** What one of several serving processes is told by the primary that started it. */
export interface ProcessRole {
  /** From 1 on. */
  readonly number: number;
  /** How many there are. */
  readonly count: number;
  /** Whether it is the very first, which boots before all others. */
  readonly first: boolean;
  /** The port to listen on, where it is no Unix socket. */
  readonly port: number;
  readonly coloured: boolean;
}

/** What a serving process tells its primary. */
export type ProcessMessage =
  /** It serves; its banner is the one of them all. */
  | { readonly millrace: "serving"; readonly banner: string }
  /** What keeps it from serving. */
  | { readonly millrace: "complaint"; readonly text: string };

/** What the primary tells a serving process: to end gracefully. */
export const stopMessage = { millrace: "stop" } as const;

/** The environment of a serving process. */
export function roleEnvironment(role: ProcessRole): Record<string, string> {
  return { [variable]: JSON.stringify(role) };
}

/**
 * What this process is told to be, once: the processes that an application starts are none of the
 * server's. `undefined` when it serves by itself, or serves nothing.
 */
export function takeProcessRole(): ProcessRole | undefined {
  const text = process.env[variable];
  delete process.env[variable];
  if (text === undefined || !cluster.isWorker || cluster.worker === undefined) return undefined;
  // Else Node ends the process at once when the primary is gone, with all that it serves.
  cluster.worker.exitedAfterDisconnect = true;
  // Written by the primary, which is of the same version.
  return JSON.parse(text) as ProcessRole;
}

/** Tells the primary, if it is still there. */
export function tellPrimary(message: ProcessMessage): boolean {
  if (!process.connected || process.send === undefined) return false;
  process.send(message);
  return true;
}

/** A terminal whose lines the primary prints, because it knows whether others have said the same. */
export function primaryTerminal(own: Terminal): Terminal {
  return {
    ...own,
    print(text) {
      if (!tellPrimary({ millrace: "complaint", text })) own.print(text);
    },
  };
}

/**
 * Settles when one of several processes is asked to end, be it because the primary is gone. A
 * terminal tells Ctrl+C to all of them, and the primary alone decides what it means.
 */
export function primaryStopRequest(): Promise<StopRequest> {
  return new Promise((resolve) => {
    process.on("message", (message) => {
      if (isStop(message)) resolve("primary");
    });
    process.on("disconnect", () => resolve("disconnect"));
    if (!process.connected) resolve("disconnect");
    process.on("SIGINT", () => {});
    let asked = false;
    process.on("SIGTERM", () => {
      if (asked) process.exit(signalExitCodes.SIGTERM);
      asked = true;
      resolve("SIGTERM");
    });
  });
}

/**
 * Lets the process end when nothing can happen any more but a message of the primary's, until
 * what is given has settled.
 */
export async function withoutWaitingForPrimary<T>(action: () => Promise<T>): Promise<T> {
  process.channel?.unref();
  try {
    return await action();
  } finally {
    process.channel?.ref();
  }
}

function isStop(message: unknown): boolean {
  return (
    typeof message === "object" &&
    message !== null &&
    "millrace" in message &&
    message.millrace === stopMessage.millrace
  );
}
