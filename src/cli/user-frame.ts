import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ownFolders = ["dist", "src"].map((folder) => fileURLToPath(new URL(`../../${folder}/`, import.meta.url)));

/**
 * Where in the user's own code an error comes from, as `file:line:column`: the first line of its
 * stack that lies neither in Node, nor in a dependency, nor in Millrace.
 */
export function userFrame(error: Error): string | undefined {
  for (const line of (error.stack ?? "").split("\n")) {
    const [, place, position] =
      /^\s+at (?:.*\()?(?:async )?((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?)(:\d+:\d+)\)?$/.exec(line) ?? [];
    if (place === undefined || position === undefined) continue;
    const file = place.startsWith("file://") ? fileURLToPath(place) : place;
    if (isUsers(file)) return shortPath(file) + position;
  }
  return undefined;
}

function isUsers(file: string): boolean {
  return !file.split(/[\\/]/).includes("node_modules") && !ownFolders.some((folder) => file.startsWith(folder));
}

/** A path as a reader would type it: relative where that is shorter and stays below. */
export function shortPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path === "" || path.startsWith("..") ? file : path.split(sep).join("/");
}
