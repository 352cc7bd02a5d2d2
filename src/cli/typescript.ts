import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "../protocol/errors.ts";
import { shortPath } from "./user-frame.ts";

/** The entries that a module of the user's may import. */
const entries = ["millrace", "millrace/redis", "millrace/server", "millrace/testing", "millrace/worker"];

/** Whether a module needs a compiler. */
export function isTypeScript(file: string): boolean {
  return /^\.[cm]?tsx?$/.test(extname(file));
}

/**
 * Loads a TypeScript module by tsx, as an ES module or by `require`, whichever its package says.
 *
 * @throws MillraceError `ERR_INVALID_MODULE` when tsx is not installed; and whatever the module throws.
 */
export async function loadTypeScript(file: string): Promise<unknown> {
  const require = createRequire(file);
  shareEntries(require);
  await registerTsx(file);
  return isCommonJs(file) ? require(file) : import(pathToFileURL(file).href);
}

/**
 * Requires our entries by Node's own loader before tsx is there: it would compile them to CommonJS
 * for a module that requires them, and the process would hold two copies.
 */
function shareEntries(require: NodeJS.Require): void {
  for (const entry of entries) {
    try {
      require(entry);
    } catch {
      // A module that does not import Millrace need not find it.
    }
  }
}

/** Makes Node's two loaders understand TypeScript. */
async function registerTsx(file: string): Promise<void> {
  try {
    const [commonJs, esm] = await Promise.all([import("tsx/cjs/api"), import("tsx/esm/api")]);
    commonJs.register();
    esm.register();
  } catch (cause) {
    throw new MillraceError("ERR_INVALID_MODULE", {
      happened: `${shortPath(file)} is TypeScript, and tsx, which loads it, ${isMissing(cause) ? "is not installed" : "can't be used"}`,
      remedy: "Install it (npm install --save-dev tsx), or compile the module and give its JavaScript",
      cause,
    });
  }
}

function isMissing(caught: unknown): boolean {
  return caught instanceof Error && "code" in caught && caught.code === "ERR_MODULE_NOT_FOUND";
}

function isCommonJs(file: string): boolean {
  const extension = extname(file);
  if (extension === ".cts") return true;
  return extension !== ".mts" && packageType(dirname(file)) !== "module";
}

function packageType(folder: string): unknown {
  try {
    const text = readFileSync(join(folder, "package.json"), "utf8");
    return (JSON.parse(text) as { readonly type?: unknown }).type;
  } catch {
    const parent = dirname(folder);
    return parent === folder ? undefined : packageType(parent);
  }
}
