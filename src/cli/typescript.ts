import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "../protocol/errors.ts";

/** The entries that a module of the user's may import. */
const entries = ["millrace", "millrace/server", "millrace/testing"];

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
  const { commonJs, esm } = await importTsx(file, require);
  commonJs.register();
  esm.register();
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

/** What is used of tsx; each half makes one of Node's two loaders understand TypeScript. */
interface Tsx {
  readonly commonJs: { readonly register: () => unknown };
  readonly esm: { readonly register: () => unknown };
}

/** The user's own tsx, or else the one beside Millrace. */
async function importTsx(file: string, require: NodeJS.Require): Promise<Tsx> {
  const find = (specifier: string): string => {
    try {
      return pathToFileURL(require.resolve(specifier)).href;
    } catch {
      return specifier;
    }
  };
  try {
    // A resolved path is no longer the name that the types know.
    return {
      commonJs: (await import(find("tsx/cjs/api"))) as Tsx["commonJs"],
      esm: (await import(find("tsx/esm/api"))) as Tsx["esm"],
    };
  } catch (cause) {
    throw new MillraceError("ERR_INVALID_MODULE", {
      happened: `${file} is TypeScript, and tsx, which loads it, is not installed`,
      remedy: "Install it (npm install --save-dev tsx), or compile the module and give its JavaScript",
      cause,
    });
  }
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
