import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type ApplicationLike, toApplication } from "../protocol/application.ts";
import type { ChannelLayer } from "../protocol/channel-layer.ts";
import { isMillraceError, MillraceError, toError } from "../protocol/errors.ts";
import { nearest } from "../protocol/suggestion.ts";
import { syntaxFault } from "./syntax-error.ts";
import { isTypeScript, loadTypeScript } from "./typescript.ts";
import { shortPath, userFrame } from "./user-frame.ts";

/** What a module gives to the command line. */
export interface LoadedModule {
  readonly file: string;
  /** The name of the export that is the application. */
  readonly exportName: string;
  readonly application: ApplicationLike;
  /** The channel layers that it exports, if it does. */
  readonly layers: Readonly<Record<string, ChannelLayer>> | undefined;
}

/** A module's path, and the export that `path#export` asks for. */
export interface ModuleName {
  readonly file: string;
  readonly exportName: string | undefined;
}

/**
 * Finds the file that `<module>` means.
 *
 * @throws MillraceError `ERR_INVALID_MODULE` when there is none.
 */
export function findModule(module: string): ModuleName {
  const at = module.lastIndexOf("#");
  const named = at > 0 && !existsSync(module);
  const file = resolve(named ? module.slice(0, at) : module);
  if (!existsSync(file)) throw missing(file);
  if (!statSync(file).isFile()) {
    throw new MillraceError("ERR_INVALID_MODULE", {
      happened: `${shortPath(file)} is no file`,
      wanted: "the path of a JavaScript or TypeScript module, such as routing/routing.ts",
    });
  }
  return { file: realpathSync(file), exportName: named ? module.slice(at + 1) : undefined };
}

/**
 * Loads a module and picks its application and its layers.
 *
 * @throws MillraceError `ERR_INVALID_MODULE` when it can't be found or loaded, or does not export
 *   them; the message fits on one line.
 */
export async function loadModule(module: string): Promise<LoadedModule> {
  const { file, exportName } = findModule(module);
  const exports = await exportsOf(file);
  const [picked, application] = pickApplication(exports, exportName, file);
  return { file, exportName: picked, application, layers: pickLayers(exports, file) };
}

type Exports = ReadonlyMap<string, unknown>;

async function exportsOf(file: string): Promise<Exports> {
  let loaded: unknown;
  try {
    loaded = isTypeScript(file) ? await loadTypeScript(file) : await import(pathToFileURL(file).href);
  } catch (thrown) {
    throw isMillraceError(thrown, "ERR_INVALID_MODULE") ? thrown : failed(toError(thrown), file);
  }
  const exports = new Map(namesOf(loaded));
  // A CommonJS module's exports come as its default; how many of them have names too is Node's guess.
  for (const [name, value] of namesOf(exports.get("module.exports") ?? exports.get("default"))) {
    if (!exports.has(name)) exports.set(name, value);
  }
  return exports;
}

function namesOf(exports: unknown): Array<[string, unknown]> {
  return typeof exports === "object" && exports !== null ? Object.entries(exports) : [];
}

function pickApplication(exports: Exports, exportName: string | undefined, file: string): [string, ApplicationLike] {
  const name = exportName ?? ["application", "default"].find((candidate) => exports.has(candidate));
  if (name === undefined || !exports.has(name)) throw notExported(exports, exportName, file);
  const application = exports.get(name);
  try {
    // It says by itself what is no application.
    toApplication(application as ApplicationLike);
  } catch (cause) {
    throw noApplication(name, file, toError(cause).message, cause);
  }
  if (typeof application === "function" && application.length > 1) {
    throw noApplication(
      name,
      file,
      "It takes more than a connection. A Node listener, such as an Express application, is wrapped: ProtocolTypeRouter({ http: nodeListener(listener) }).",
    );
  }
  return [name, application as ApplicationLike];
}

function pickLayers(exports: Exports, file: string): Readonly<Record<string, ChannelLayer>> | undefined {
  const layers = exports.get("layers");
  if (layers === undefined) return undefined;
  const wrong = namesOf(layers).find(([, layer]) => !isLayer(layer));
  if (typeof layers === "object" && layers !== null && !isLayer(layers) && wrong === undefined) {
    return layers as Readonly<Record<string, ChannelLayer>>;
  }
  throw new MillraceError("ERR_INVALID_MODULE", {
    happened: `${shortPath(file)} exports layers that can't be used`,
    got: wrong === undefined || isLayer(layers) ? layers : wrong[1],
    wanted: "a record of channel layers by alias, such as { default: new InMemoryChannelLayer() }",
  });
}

/** By what it can do: it may come from another copy of the package. */
function isLayer(value: unknown): value is ChannelLayer {
  return typeof value === "object" && value !== null && "groupSend" in value && "newChannel" in value;
}

function missing(file: string): MillraceError {
  const extension = [".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"].find((candidate) => existsSync(file + candidate));
  return new MillraceError("ERR_INVALID_MODULE", {
    happened: `There is no module ${shortPath(file)}`,
    ...(extension === undefined ? {} : { remedy: `Try ${shortPath(file + extension)}` }),
  });
}

function failed(error: Error, file: string): MillraceError {
  const fault = syntaxFault(error, file);
  const happened =
    fault === undefined
      ? `${shortPath(file)} failed while it was loaded: ${firstLine(error)}${place(error)}`
      : `${shortPath(file)} can't be loaded: ${fault.problem} (${shortPath(fault.file)}:${fault.line})`;
  return new MillraceError("ERR_INVALID_MODULE", { happened, cause: error });
}

function firstLine(error: Error): string {
  const [line = ""] = error.message.split("\n");
  const sentence = line.replace(/\.$/, "");
  return error.name === "Error" || isMillraceError(error) ? sentence : `${error.name}: ${sentence}`;
}

function place(error: Error): string {
  const frame = userFrame(error);
  return frame === undefined ? "" : ` (${frame})`;
}

function notExported(exports: Exports, wanted: string | undefined, file: string): MillraceError {
  const names = [...exports.keys()].filter((name) => name !== "__esModule" && name !== "module.exports");
  const found = names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
  const other = wanted === undefined ? names[0] : nearest(wanted, names);
  return new MillraceError("ERR_INVALID_MODULE", {
    happened: `${shortPath(file)} does not export ${wanted ?? "an application"}; ${found}`,
    ...(wanted === undefined ? { wanted: "an export named application, or a default" } : {}),
    ...(other === undefined ? {} : { remedy: `Another export is picked by its name: ${shortPath(file)}#${other}` }),
  });
}

function noApplication(name: string, file: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError("ERR_INVALID_MODULE", {
    happened: `The export ${name} of ${shortPath(file)} can't be served: ${reason.replace(/\.$/, "")}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
