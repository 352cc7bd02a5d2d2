import { setTimeout } from "node:timers/promises";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { toApplication } from "../protocol/application.ts";
import { ChannelLayers } from "../protocol/channel-layers.ts";
import { describeRoutes } from "../protocol/description.ts";
import { isMillraceError } from "../protocol/errors.ts";
import { checkServeOptions, type ServeOptions } from "../server/options.ts";
import { type MillraceServer, startServer } from "../server/serve.ts";
import { bannerText, whereText } from "./banner.ts";
import type { CommandValues } from "./commands.ts";
import { complain } from "./complaint.ts";
import { logDiagnostics } from "./console-log.ts";
import { openLayers } from "./layers.ts";
import { findModule, type LoadedModule, loadModule } from "./load-module.ts";
import { cannotListen, reloadRole, type ReloadRole, reloadRoot, serveReloading } from "./reload.ts";
import { type StopRequest, stopRequest } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";
import { shortPath } from "./user-frame.ts";
import { version } from "./version.ts";

/** Who saves a file wants to see what it does, not wait for a long poll to end. */
const reloadShutdownTimeout = 1000;

/** The command line of a server, and where it prints. */
export interface ServeInvocation {
  readonly words: readonly string[];
  readonly module: string;
  readonly flags: CommandValues<"serve">;
  readonly output: Terminal;
  readonly errors: Terminal;
}

/** `millrace serve <module>`: serves until it is asked to end. Settles with the exit code. */
export async function serveModule(invocation: ServeInvocation): Promise<number> {
  const { words, module, flags, output, errors } = invocation;
  const role = reloadRole();
  const stop = stopRequest(role !== "parent");
  if (flags.reload !== true || role !== "parent") {
    const log = logDiagnostics({ errors, access: flags["access-log"] === true ? output : undefined });
    return serveHere(invocation, role, stop).finally(() => log[Symbol.dispose]());
  }
  const root = reloadRoot(findModule(module).file);
  const { shutdownTimeout } = checkServeOptions(serveOptions(flags));
  return serveReloading({ words, root, shutdownTimeout, terminal: output, stop });
}

async function serveHere(invocation: ServeInvocation, role: ReloadRole, stop: Promise<StopRequest>): Promise<number> {
  const { module, flags, output, errors } = invocation;
  const loaded = await Promise.race([loadModule(module), stop]);
  // Nothing was served, so there is nothing to close.
  if (typeof loaded === "string") return 0;
  const { layers, closeAll } = await openLayers(loaded.layers, flags.layer);
  const options = serveOptions(flags);
  const quiet = flags.quiet === true;
  let stopping = false;
  const told = stop.then((request) => {
    stopping = true;
    if (!quiet && request !== "disconnect") output.print(output.dim("Stopping; once more ends it at once."));
  });
  // A start-up hook that does not end has as long to do so as, later on, what is served.
  const late = told.then(() => setTimeout(checkServeOptions(options).shutdownTimeout));
  let server: MillraceServer | void;
  try {
    const starting = startServer(loaded.application, new ChannelLayers(layers), options, closeAll);
    server = await Promise.race([starting, late]);
  } catch (thrown) {
    if (role === "parent" || !isMillraceError(thrown, "ERR_LISTEN")) throw thrown;
    complain(thrown, errors, flags.trace === true);
    return cannotListen;
  }
  if (server === undefined) return 0;
  if (!quiet && !stopping) output.print(greeting({ loaded, layers, options, server, role, output }));
  await told;
  await server.close();
  return 0;
}

function serveOptions(flags: CommandValues<"serve">): ServeOptions {
  const options = {
    ...(flags.unix === undefined ? { host: flags.host, port: flags.port } : { unix: flags.unix }),
    rootPath: flags["root-path"],
    maxMessageSize: flags["ws-max-message"],
    handshakeTimeout: flags["handshake-timeout"],
    pingInterval: flags["ping-interval"],
    pingTimeout: flags["ping-timeout"],
    shutdownTimeout: flags["shutdown-timeout"] ?? (flags.reload === true ? reloadShutdownTimeout : undefined),
    trustedProxies: flags["trusted-proxies"],
  };
  // Without what was not given, so that the server's own defaults count.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

interface Serving {
  readonly loaded: LoadedModule;
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly options: ServeOptions;
  readonly server: MillraceServer;
  readonly role: ReloadRole;
  readonly output: Terminal;
}

/** What is printed once the server listens: the banner, or a line where it takes another's place. */
function greeting({ loaded, layers, options, server, role, output }: Serving): string {
  const checked = checkServeOptions(options);
  const where = whereText(server, checked.rootPath);
  if (role === "later child") return output.dim(`Serving again at ${where}.`);
  const routes = describeRoutes(toApplication(loaded.application));
  const reload = role === "parent" ? undefined : shortPath(reloadRoot(loaded.file));
  return bannerText({ ...checked, version: version(), where, routes, layers, reload }, output);
}
