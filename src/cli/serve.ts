import { createServer } from "node:http";
import { listen } from "../server/listen.ts";
import { checkServeOptions, type ServeOptions } from "../server/options.ts";
import type { CommandValues } from "./commands.ts";
import { logDiagnostics } from "./console-log.ts";
import { findModule } from "./load-module.ts";
import { primaryStopRequest, type ProcessRole } from "./process-role.ts";
import { serveInProcesses } from "./processes.ts";
import { reloadRole, reloadRoot, serveReloading } from "./reload.ts";
import { serveHere, type ServeInvocation } from "./serve-here.ts";
import { type StopRequest, stopRequest } from "./stop-signal.ts";
import { UsageError } from "./usage-error.ts";

/** Who saves a file wants to see what it does, not wait for a long poll to end. */
const reloadShutdownTimeout = 1000;

/** `millrace serve <module>`: serves until it is asked to end. Settles with the exit code. */
export async function serveModule(invocation: ServeInvocation): Promise<number> {
  const { flags, role } = invocation;
  if (flags.reload === true && (flags.workers ?? 1) > 1) {
    throw new UsageError(
      "--reload and --workers can't be used together: one process restarts at each change, and several are for operation.",
      "serve",
    );
  }
  const options = serveOptions(flags, role);
  if (role !== undefined) return serveLogged(invocation, options, primaryStopRequest(), "parent");
  if (flags.workers !== undefined && flags.workers > 1) return serveMany(invocation, options, flags.workers);
  const reload = reloadRole();
  const stop = stopRequest(reload !== "parent");
  if (flags.reload !== true || reload !== "parent") return serveLogged(invocation, options, stop, reload);
  const root = reloadRoot(findModule(invocation.module).file);
  const { shutdownTimeout } = checkServeOptions(options);
  return serveReloading({ words: invocation.words, root, shutdownTimeout, terminal: invocation.output, stop });
}

async function serveLogged(
  invocation: ServeInvocation,
  options: ServeOptions,
  stop: Promise<StopRequest>,
  reload: ReturnType<typeof reloadRole>,
): Promise<number> {
  const { flags, output, errors } = invocation;
  const log = logDiagnostics({ errors, access: flags["access-log"] === true ? output : undefined });
  return serveHere({ ...invocation, options, stop, reload }).finally(() => log[Symbol.dispose]());
}

async function serveMany(invocation: ServeInvocation, options: ServeOptions, count: number): Promise<number> {
  const { words, module, flags, output, errors } = invocation;
  const stop = stopRequest(false);
  findModule(module);
  const { shutdownTimeout } = checkServeOptions(options);
  const port = await tryAddress(options);
  return serveInProcesses({ words, count, port, shutdownTimeout, quiet: flags.quiet === true, output, errors, stop });
}

/**
 * Listens for a moment, which takes the file of a dead Unix socket away: a cluster could not. Gives
 * the port, which is a free one where any will do, so that processes that start when no other is
 * left listen on the same.
 */
async function tryAddress(options: ServeOptions): Promise<number> {
  const server = createServer();
  const { port } = await listen(server, checkServeOptions(options).listen);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function serveOptions(flags: CommandValues<"serve">, role: ProcessRole | undefined): ServeOptions {
  const port = role?.port ?? flags.port;
  const options = {
    ...(flags.unix === undefined ? { host: flags.host, port } : { unix: flags.unix }),
    rootPath: flags["root-path"],
    maxMessageSize: flags["ws-max-message"],
    compression: flags.compression,
    handshakeTimeout: flags["handshake-timeout"],
    pingInterval: flags["ping-interval"],
    pingTimeout: flags["ping-timeout"],
    shutdownTimeout: flags["shutdown-timeout"] ?? (flags.reload === true ? reloadShutdownTimeout : undefined),
    trustedProxies: flags["trusted-proxies"],
  };
  // Without what was not given, so that the server's own defaults count.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
