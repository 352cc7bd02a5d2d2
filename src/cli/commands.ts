import type { Flag } from "./flag.ts";
import type { FlagKinds } from "./flag-values.ts";
import { jobsFlags, workerFlags } from "./worker-flags.ts";

export type { Flag } from "./flag.ts";

/** What a command is about: a module, which some do without, or the name of a channel. */
export type Operand = "module" | "optional module" | "channel";

/** A command of `millrace`. */
export interface Command {
  readonly summary: string;
  readonly description: string;
  /** What stands behind the command. */
  readonly operand: Operand;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
}

/** What a command's flags were given, by name; a flag that was not given is absent. */
export type FlagValues<Flags extends readonly Flag[]> = {
  readonly [F in Flags[number] as F["name"]]?: FlagKinds[F["kind"]];
};

/** What `<module>` means, for every command. */
export const moduleDescription =
  "<module> is a path to a JavaScript or TypeScript module. It exports the application as `application`\n" +
  "or as its default, and may export `layers`, a record of channel layers by alias. Another export is\n" +
  "picked by its name: routing.ts#other. TypeScript is loaded by tsx, which has to be installed.";

/** The flags that every command takes. */
export const commonFlags = [
  { name: "help", short: "h", kind: "boolean", summary: "Print this help." },
  { name: "trace", kind: "boolean", summary: "Print the whole stack of an error." },
] as const satisfies readonly Flag[];

const serveFlags = [
  {
    name: "host",
    kind: "text",
    placeholder: "<address>",
    summary: "The address to listen on; 0.0.0.0 is every one.",
    initial: "127.0.0.1",
    environment: "HOST",
  },
  {
    name: "port",
    short: "p",
    kind: "port",
    placeholder: "<number>",
    summary: "The port to listen on; 0 takes a free one.",
    initial: "8000",
    environment: "PORT",
  },
  {
    name: "unix",
    short: "u",
    kind: "text",
    placeholder: "<path>",
    summary: "Listen on a Unix socket instead of a port.",
  },
  {
    name: "layer",
    kind: "text",
    placeholder: "<url>",
    summary: "The default channel layer: memory:, redis://…, redis+pubsub://… or redis+core://….",
    initial: "memory:",
    environment: "CHANNEL_LAYER_URL",
  },
  {
    name: "workers",
    short: "w",
    kind: "workers",
    placeholder: "<number>",
    summary:
      "How many processes serve, on one port; auto is one for each core. More than one needs a layer behind Redis.",
    initial: "1",
  },
  {
    name: "root-path",
    kind: "mount",
    placeholder: "<path>",
    summary: "Where the application is mounted, such as /chat.",
    initial: "/",
  },
  {
    name: "ws-max-message",
    kind: "size",
    placeholder: "<size>",
    summary: "The largest message that a client may send; a larger one closes its socket with 1009.",
    initial: "1MiB",
  },
  {
    name: "compression",
    kind: "boolean",
    summary: "Compress messages, both ways, for clients that can.",
  },
  {
    name: "handshake-timeout",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "How long an application may neither accept nor refuse a socket before it gets 504.",
    initial: "10",
  },
  {
    name: "ping-interval",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "After how long a silence a client is pinged.",
    initial: "20",
  },
  {
    name: "ping-timeout",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "How long a client may be silent after a ping before it is taken for gone.",
    initial: "30",
  },
  {
    name: "shutdown-timeout",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "How long applications may go on when the server stops; then they are cut off.",
    initial: "10",
  },
  {
    name: "trusted-proxies",
    kind: "proxies",
    placeholder: "<proxies>",
    summary:
      "The proxies whose X-Forwarded headers are believed: how many stand in a row, or their addresses and networks.",
  },
  {
    name: "reload",
    kind: "boolean",
    summary:
      "Restart when a source file of the module's package is saved. The shutdown timeout is 1 second then, if none is given.",
  },
  {
    name: "access-log",
    kind: "boolean",
    summary: "Print one line for each response and each socket that opens or closes.",
  },
  { name: "quiet", short: "q", kind: "boolean", summary: "Print no banner." },
] as const satisfies readonly Flag[];

const routesFlags = [
  { name: "json", kind: "boolean", summary: "Print the table as JSON." },
] as const satisfies readonly Flag[];

const doctorFlags = [
  {
    name: "layer",
    kind: "text",
    placeholder: "<url>",
    summary: "The channel layer to examine; it wins over the one that the module exports.",
    initial: "memory:",
    environment: "CHANNEL_LAYER_URL",
  },
  { name: "json", kind: "boolean", summary: "Print what was found as JSON." },
] as const satisfies readonly Flag[];

/** All that `millrace` can be asked to do. */
export const commands = {
  serve: {
    summary: "Serve an application.",
    description:
      "Serves the application of <module> until SIGINT or SIGTERM; then sockets are closed and what\n" +
      "runs may end. A second signal ends it at once.",
    operand: "module",
    flags: serveFlags,
    examples: [
      "millrace serve routing/routing.ts --reload",
      "millrace serve dist/routing.js --host 0.0.0.0 --port 80",
      "millrace serve dist/routing.js --workers 4 --layer redis://localhost:6379",
      "millrace serve routing.ts#application --unix /run/chat.sock --root-path /chat",
    ],
  },
  routes: {
    summary: "Print the table of routes.",
    description: "Prints protocol, pattern and target of each route of <module>, in the order in which they are tried.",
    operand: "module",
    flags: routesFlags,
    examples: ["millrace routes routing/routing.ts", "millrace routes routing/routing.ts --json"],
  },
  check: {
    summary: "Check an application without serving it.",
    description:
      "Loads <module>, builds its routes and the handlers of every consumer behind them, and listens\n" +
      "nowhere. The exit code is 1 when something is wrong.",
    operand: "module",
    flags: [],
    examples: ["millrace check routing/routing.ts"],
  },
  worker: {
    summary: "Work off background channels.",
    description:
      "Runs what is sent to background channels through the ChannelNameRouter of <module>, until SIGINT or\n" +
      "SIGTERM; then jobs that run may end. A second signal ends it at once.",
    operand: "module",
    flags: workerFlags,
    examples: [
      "millrace worker routing.ts --channels thumbnails,emails --layer redis://localhost:6379",
      "millrace worker dist/routing.js --channels thumbnails --concurrency 4",
    ],
  },
  jobs: {
    summary: "Look after the jobs of a background channel.",
    description:
      "Counts the jobs of <channel> and lists those that were set aside, or those of another state; shows\n" +
      "one with its message; lets those set aside run again, or drops them.",
    operand: "channel",
    flags: jobsFlags,
    examples: [
      "millrace jobs thumbnails --layer redis://localhost:6379",
      "millrace jobs thumbnails --show 1700000000000-0",
      "millrace jobs thumbnails --requeue all",
    ],
  },
  doctor: {
    summary: "Examine the Redis of a channel layer.",
    description:
      "Reaches each server of the channel layer and looks for what would hurt it: settings, role,\n" +
      "rights, memory, clock, groups of the other layer. Then it sends a message to a group of its own.\n" +
      "Each finding is a line, with a remedy. The exit code is 1 when messages would be lost.",
    operand: "optional module",
    flags: doctorFlags,
    examples: ["millrace doctor --layer redis://localhost:6379", "millrace doctor routing/routing.ts --json"],
  },
} as const satisfies Record<string, Command>;

/** A command by its name. */
export function commandOf(name: CommandName): Command {
  return commands[name];
}

/** The name of a command. */
export type CommandName = keyof typeof commands;

/** What a command's flags were given, those of every command among them. */
export type CommandValues<Name extends CommandName> = FlagValues<(typeof commands)[Name]["flags"]> &
  FlagValues<typeof commonFlags>;
