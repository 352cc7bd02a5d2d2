import { MillraceError } from "../protocol/errors.ts";

const plain = /^[A-Za-z0-9\-_.!~*'()/]*$/;

/**
 * A path in the one spelling that routes compare: each segment decoded and encoded again, so that
 * `/%7Ealice` and `/~alice` are the same, and an encoded slash stays part of its segment.
 *
 * @throws MillraceError `ERR_INVALID_PATH` for a malformed percent sign.
 */
export function canonicalPath(raw: string): string {
  if (plain.test(raw)) return raw;
  try {
    return raw
      .split("/")
      .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
      .join("/");
  } catch (cause) {
    throw new MillraceError("ERR_INVALID_PATH", {
      happened: "The path has a malformed percent sign",
      got: raw,
      wanted: "UTF-8, percent-encoded",
      cause,
    });
  }
}

/**
 * What remains of a canonical path below the root path, without the slash that leads it;
 * `undefined` for a path outside of it.
 */
export function belowRoot(path: string, rootPath: string): string | undefined {
  const rest = withoutSlash(path);
  if (rootPath === "") return rest;
  const root = withoutSlash(canonicalPath(rootPath)).replace(/\/$/, "");
  if (root === "" || rest === root) return root === "" ? rest : "";
  return rest.startsWith(`${root}/`) ? rest.slice(root.length + 1) : undefined;
}

/** Without one slash at its front, where it has one. */
export function withoutSlash(path: string): string {
  return path.startsWith("/") ? path.slice(1) : path;
}

/** A canonical path as a reader writes it: encoded slashes are decoded too. */
export function decodedPath(canonical: string): string {
  return canonical.includes("%") ? decodeURIComponent(canonical) : canonical;
}

/**
 * Where a canonical path is to be cut so that its front has so many characters when it is decoded;
 * `undefined` when the cut would go through an encoded character.
 */
export function encodedLength(canonical: string, decodedLength: number): number | undefined {
  let decoded = 0;
  let at = 0;
  while (decoded < decodedLength && at < canonical.length) {
    const bytes = canonical[at] === "%" ? bytesOfCharacter(Number.parseInt(canonical.slice(at + 1, at + 3), 16)) : 0;
    at += bytes === 0 ? 1 : 3 * bytes;
    decoded += bytes === 4 ? 2 : 1;
  }
  return decoded === decodedLength ? at : undefined;
}

/** How many bytes a character has in UTF-8, by its first. */
function bytesOfCharacter(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
