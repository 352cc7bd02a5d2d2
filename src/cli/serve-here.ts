import { setTimeout } from "node:timers/promises";
import { toApplication } from "../protocol/application.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { ChannelLayers } from "../protocol/channel-layers.ts";
import { describeRoutes } from "../protocol/description.ts";
import { isMillraceError } from "../protocol/errors.ts";
import { checkServeOptions, type ServeOptions } from "../server/options.ts";
import { type MillraceServer, startServer } from "../server/serve.ts";
import { bannerText, whereText } from "./banner.ts";
import type { CommandValues } from "./commands.ts";
import { complain } from "./complaint.ts";
import { openLayers, refuseMemory } from "./layers.ts";
import { type LoadedModule, loadModule } from "./load-module.ts";
import { warnOfOtherFormat } from "./other-format-warning.ts";
import { type ProcessRole, tellPrimary, withoutWaitingForPrimary } from "./process-role.ts";
import { killMargin } from "./processes.ts";
import { cannotListen, type ReloadRole, reloadRoot } from "./reload.ts";
import type { StopRequest } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";
import { shortPath } from "./user-frame.ts";
import { version } from "./version.ts";

/** The command line of a server, and where it prints. */
export interface ServeInvocation {
  readonly words: readonly string[];
  readonly module: string;
  readonly flags: CommandValues<"serve">;
  readonly output: Terminal;
  readonly errors: Terminal;
  /** What this process is told to be, where it is one of several. */
  readonly role: ProcessRole | undefined;
}

/** What a process serves, and how it hears that it is to end. */
export interface ServingHere extends Omit<ServeInvocation, "words"> {
  readonly options: ServeOptions;
  readonly reload: ReloadRole;
  readonly stop: Promise<StopRequest>;
}

/** Serves in this process until it is asked to end. Settles with the exit code. */
export async function serveHere(serving: ServingHere): Promise<number> {
  const { flags, errors, options, role, reload, stop } = serving;
  const loaded = await Promise.race([load(serving), stop]);
  // Nothing was served, so there is nothing to close.
  if (typeof loaded === "string") return 0;
  const { layers, closeAll } = await openLayers(loaded.layers, flags.layer);
  refuseMemory(layers, role?.count ?? 1);
  let stopping = false;
  const told = stop.then((request) => {
    stopping = true;
    onStopRequest(request, serving);
  });
  // A start-up hook that does not end has as long to do so as, later on, what is served.
  const late = told.then(() => setTimeout(checkServeOptions(options).shutdownTimeout));
  let server: MillraceServer | void;
  try {
    const starting = startServer(loaded.application, new ChannelLayers(layers), options, closeAll);
    server = await Promise.race([starting, late]);
  } catch (thrown) {
    if (reload === "parent" || !isMillraceError(thrown, "ERR_LISTEN")) throw thrown;
    complain(thrown, errors, flags.trace === true);
    return cannotListen;
  }
  if (server === undefined) return 0;
  if (!stopping) greet(serving, greeting({ ...serving, loaded, layers, server }));
  // Of several processes one looks for all.
  if (!stopping && (role?.first ?? reload !== "later child")) void warnOfOtherFormat(layers["default"], errors);
  await told;
  await server.close();
  return 0;
}

function load({ module, role }: ServingHere): Promise<LoadedModule> {
  return role === undefined ? loadModule(module) : withoutWaitingForPrimary(() => loadModule(module));
}

function onStopRequest(request: StopRequest, { flags, options, role, output }: ServingHere): void {
  if (role === undefined && flags.quiet !== true && request !== "disconnect") {
    output.print(output.dim("Stopping; once more ends it at once."));
  }
  if (role === undefined || request !== "disconnect") return;
  // The primary, which would end what takes too long, is gone.
  void setTimeout(checkServeOptions(options).shutdownTimeout + killMargin, undefined, { ref: false }).then(() =>
    process.exit(1),
  );
}

/** One of several processes leaves it to its primary to print once what is true of them all. */
function greet({ flags, role, output }: ServingHere, text: string): void {
  if (role !== undefined) tellPrimary({ millrace: "serving", banner: text });
  else if (flags.quiet !== true) output.print(text);
}

interface Greeting extends ServingHere {
  readonly loaded: LoadedModule;
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly server: MillraceServer;
}

/** What is printed once the server listens: the banner, or a line where it takes another's place. */
function greeting({ loaded, layers, options, server, role, reload, output }: Greeting): string {
  const checked = checkServeOptions(options);
  const where = whereText(server, checked.rootPath);
  if (reload === "later child") return output.dim(`Serving again at ${where}.`);
  const routes = describeRoutes(toApplication(loaded.application));
  const watched = reload === "parent" ? undefined : shortPath(reloadRoot(loaded.file));
  const workers = role?.count ?? 1;
  return bannerText({ ...checked, version: version(), where, routes, layers, workers, reload: watched }, output);
}
