// Lets Jest run TypeScript as it stands: types are stripped, and `await using` is lowered for Node 20.
import { createHash } from "node:crypto";
import { transformSync, version } from "esbuild";

const options = { format: "esm", loader: "ts", sourcemap: "inline", target: "node20" };

export default {
  process: (source, path) => ({ code: transformSync(source, { ...options, sourcefile: path }).code }),
  getCacheKey: (source, path) => createHash("sha256").update(`${version}\0${path}\0${source}`).digest("hex"),
};
