import { setTimeout as pause } from "node:timers/promises";
import { toApplication } from "../protocol/application.ts";
import { describeRoutes, type RouteDescription } from "../protocol/description.ts";
import { MillraceError } from "../protocol/errors.ts";
import { type WorkerSettings, checkWorkerOptions, type WorkerOptions } from "../worker/options.ts";
import { type MillraceWorker, startWorker } from "../worker/worker.ts";
import { section } from "./banner.ts";
import { counted } from "./columns.ts";
import type { CommandValues } from "./commands.ts";
import { logDiagnostics } from "./console-log.ts";
import { openLayers } from "./layers.ts";
import { type LoadedModule, loadModule } from "./load-module.ts";
import { warnOfOtherFormat } from "./other-format-warning.ts";
import { stopRequest } from "./stop-signal.ts";
import { printable, type Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** The command line of a worker, and where it prints. */
export interface WorkerInvocation {
  readonly module: string;
  readonly flags: CommandValues<"worker">;
  readonly output: Terminal;
  readonly errors: Terminal;
}

/** `millrace worker <module>`: works off channels until it is asked to end. Settles with the exit code. */
export async function workModule(invocation: WorkerInvocation): Promise<number> {
  const { module, flags, output, errors } = invocation;
  const stop = stopRequest(false);
  const log = logDiagnostics({ errors });
  try {
    const loaded = await Promise.race([loadModule(module), stop]);
    // Nothing was begun, so there is nothing to end.
    if (typeof loaded === "string") return 0;
    const { layers, closeAll } = await openLayers(loaded.layers, flags.layer);
    try {
      const routes = channelRoutes(loaded);
      const options = { ...workerOptions(flags, routes), layers };
      const { shutdownTimeout } = checkWorkerOptions(options);
      // A start-up hook that does not end has as long to do so as, later on, jobs.
      const late = stop.then(() => pause(shutdownTimeout));
      const worker = await Promise.race([startWorker(loaded.application, options), late]);
      if (worker === undefined) return 0;
      if (flags.quiet !== true) output.print(greeting(worker, checkWorkerOptions(options), routes, output));
      void warnOfOtherFormat(layers["default"], errors);
      await stop;
      if (flags.quiet !== true) output.print(output.dim(stoppingText(worker)));
      await worker.close();
    } finally {
      await closeAll();
    }
    return 0;
  } finally {
    log[Symbol.dispose]();
  }
}

function channelRoutes({ application }: LoadedModule): readonly RouteDescription[] {
  return describeRoutes(toApplication(application)).filter(({ protocol }) => protocol === "channel");
}

function workerOptions(
  flags: CommandValues<"worker">,
  routes: readonly RouteDescription[],
): Omit<WorkerOptions, "layers"> {
  const channels = flags.channels ?? routes.map(({ pattern }) => pattern).filter((name) => name !== "");
  if (channels.length === 0) throw noChannels();
  const options = {
    concurrency: flags.concurrency,
    maxAttempts: flags["max-attempts"],
    retryDelay: flags["retry-delay"],
    lease: flags.lease,
    shutdownTimeout: flags["shutdown-timeout"],
  };
  // Without what was not given, so that the worker's own defaults count.
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...given, channels };
}

function greeting(
  worker: MillraceWorker,
  settings: WorkerSettings,
  routes: readonly RouteDescription[],
  terminal: Terminal,
): string {
  const { concurrency, maxAttempts, lease, layers, layerAlias } = settings;
  const channels = worker.channels.map((channel) => {
    const route = routes.find(({ pattern }) => pattern === channel);
    return [channel, route?.target ?? ""].map(printable);
  });
  const limits = [
    `${counted(concurrency, "job")} of each channel at once`,
    `set aside after ${counted(maxAttempts, "try", "tries")}`,
    `another worker's ${lease / 1000} s after this one died`,
  ];
  return [
    terminal.bold(`Millrace ${version()}, the worker ${worker.name}`),
    "",
    ...section("channels", channels, terminal, 10),
    ...section("layer", [[layers[layerAlias]?.kind ?? ""]], terminal, 10),
    ...section(
      "jobs",
      limits.map((limit) => [limit]),
      terminal,
      10,
    ),
    ...section("stop", [[process.platform === "win32" ? "Ctrl+C" : "Ctrl+C, or SIGTERM"]], terminal, 10),
    "",
  ].join("\n");
}

function stoppingText({ running }: MillraceWorker): string {
  const wait = running === 0 ? "" : ` ${counted(running, "job")} may end before;`;
  return `Stopping;${wait} once more ends it at once.`;
}

function noChannels(): MillraceError {
  return new MillraceError("ERR_NO_ROUTE", {
    happened: "The application has no background channels",
    wanted: "ProtocolTypeRouter({ channel: ChannelNameRouter({ thumbnails: ThumbnailConsumer }) })",
    remedy: "Where the routes don't tell of them, name them: --channels thumbnails,emails",
  });
}
