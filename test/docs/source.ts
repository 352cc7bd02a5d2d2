import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { root } from "./blocks.ts";

/** A member of an interface, as its source says it. */
export interface Member {
  readonly name: string;
  readonly type: string;
  /** The comment above it, in one line; `""` where there is none. */
  readonly comment: string;
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8").replaceAll("\r\n", "\n");
}

/** The members of an exported interface, those that it inherits left out. */
export function membersOf(file: string, name: string): Member[] {
  const source = read(file);
  const start = source.search(new RegExp(`^export interface ${name}\\b`, "m"));
  if (start === -1) throw new Error(`${file} exports no interface ${name}`);
  const body = source.slice(source.indexOf("{\n", start) + 2, source.indexOf("\n}", start));
  // A member stands at two spaces, and what belongs to it at more.
  const member =
    /(?:^ {2}\/\*\*(?<comment>[^]*?)\*\/\n)?^ {2}(?:readonly )?"?(?<name>[\w:-]+)"?\??: (?<type>[^]*?);$(?!\n {4}|\n {2}\})/gm;
  return [...body.matchAll(member)].map(({ groups = {} }) => ({
    name: groups["name"] ?? "",
    type: oneLine(groups["type"] ?? ""),
    comment: oneLine((groups["comment"] ?? "").replaceAll(/^ *\* ?/gm, "")),
  }));
}

/** The names in an exported union of types. */
export function unionOf(file: string, name: string): string[] {
  const found = new RegExp(`^export type ${name} =([^;]*);`, "m").exec(read(file))?.[1];
  if (found === undefined) throw new Error(`${file} exports no type ${name}`);
  return found.split("|").map((part) => part.trim());
}

/** All names that a module exports, of types too. */
export function exportsOf(file: string): string[] {
  const source = read(file);
  const declared = source.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(?:class|interface|type|const|function) (\w+)/gm,
  );
  const listed = source.matchAll(/^export (?:type )?\{([^}]*)\}/gm);
  const passedOn = source.matchAll(/^export (?:type )?\* from "([^"]+)"/gm);
  return [
    ...[...declared].map(([, name = ""]) => name),
    ...[...listed].flatMap(([, names = ""]) =>
      names
        .split(",")
        .map(publicName)
        .filter((name) => name !== ""),
    ),
    ...[...passedOn].flatMap(([, path = ""]) => exportsOf(posix.join(dirname(file), path))),
  ];
}

function publicName(specifier: string): string {
  return specifier
    .trim()
    .replace(/^type /, "")
    .replace(/^.* as /, "");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
