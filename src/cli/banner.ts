import type { ChannelLayer } from "../protocol/channel-layer.ts";
import type { RouteDescription } from "../protocol/description.ts";
import type { MillraceServer } from "../server/serve.ts";
import { columns } from "./columns.ts";
import { routeCells } from "./routes.ts";
import type { Terminal } from "./terminal.ts";

/** What a server tells of itself at its start. */
export interface Banner {
  readonly version: string;
  /** Where it is reached. */
  readonly where: string;
  readonly routes: readonly RouteDescription[];
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  /** How many processes serve. */
  readonly workers: number;
  /** In bytes. */
  readonly maxMessageSize: number;
  /** In milliseconds. */
  readonly pingInterval: number;
  /** In milliseconds. */
  readonly pingTimeout: number;
  /** The folder that is watched, where source files are. */
  readonly reload: string | undefined;
}

/** The lines that a server prints at its start. */
export function bannerText(banner: Banner, terminal: Terminal): string {
  const { version, where, routes, layers, workers, reload } = banner;
  return [
    terminal.bold(`Millrace ${version}`),
    "",
    `  ${terminal.bold(where)}`,
    "",
    ...section("routes", routes.map(routeCells), terminal),
    ...section("layers", Object.entries(layers).map(layerCells), terminal),
    ...(workers > 1 ? section("served", [[`by ${workers} processes`]], terminal) : []),
    ...section("limits", limitRows(banner), terminal),
    ...section("reload", [[reload === undefined ? "off" : `when a source file in ${reload} is saved`]], terminal),
    ...section("stop", [[process.platform === "win32" ? "Ctrl+C" : "Ctrl+C, or SIGTERM"]], terminal),
    "",
  ].join("\n");
}

/** Where a server is reached: a URL to click on, or a Unix socket. */
export function whereText({ address, url }: MillraceServer, rootPath: string): string {
  const place = rootPath === "" ? url : `${url}${url.startsWith("unix:") ? " at " : ""}${rootPath}/`;
  // The URL is the one of this machine, because no browser opens the address that means all of them.
  return ["0.0.0.0", "::"].includes(address.address) ? `${place} (and every other address)` : place;
}

/** Rows under a title that stands beside the first. */
export function section(
  title: string,
  rows: ReadonlyArray<readonly string[]>,
  terminal: Terminal,
  width = 8,
): string[] {
  return columns(rows).map((line, at) => `  ${terminal.dim((at === 0 ? title : "").padEnd(width))}${line}`.trimEnd());
}

function layerCells([alias, layer]: [string, ChannelLayer]): string[] {
  const { capacity } = layer;
  return capacity === undefined ? [alias, layer.kind] : [alias, layer.kind, `${capacity} messages a channel`];
}

function limitRows({ maxMessageSize, pingInterval, pingTimeout }: Banner): string[][] {
  return [
    ["message", sizeText(maxMessageSize)],
    ["ping", `after ${secondsText(pingInterval)} of silence, gone after ${secondsText(pingTimeout)} more`],
  ];
}

function sizeText(bytes: number): string {
  for (const [unit, factor] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} bytes`;
}

function secondsText(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}
