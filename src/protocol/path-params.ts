/** The signs of ASCII that no name holds. A name may hold any letter, of whatever script. */
type Punctuation =
  | " "
  | "!"
  | '"'
  | "#"
  | "%"
  | "&"
  | "'"
  | "("
  | ")"
  | "*"
  | "+"
  | ","
  | "-"
  | "."
  | "/"
  | ":"
  | ";"
  | "<"
  | "="
  | ">"
  | "?"
  | "@"
  | "["
  | "\\"
  | "]"
  | "^"
  | "`"
  | "{"
  | "|"
  | "}"
  | "~";

/** One parameter of a pattern. */
interface Found {
  name: string;
  value: string | readonly string[];
  /** Whether it stands in braces, and may be absent. */
  optional: boolean;
}

interface FoundAs<Name extends string, Sign extends ":" | "*", Depth extends readonly unknown[]> {
  name: Name;
  value: Sign extends ":" ? string : readonly string[];
  optional: Depth extends readonly [] ? false : true;
}

/** Goes through a pattern, sign by sign. `Depth` has an item for each brace that is open. */
type Scan<
  Text extends string,
  Depth extends readonly unknown[] = [],
  Taken extends Found = never,
> = Text extends `${infer Head}${infer Rest}`
  ? Head extends "\\"
    ? Scan<Rest extends `${string}${infer After}` ? After : "", Depth, Taken>
    : Head extends "{"
      ? Scan<Rest, [...Depth, unknown], Taken>
      : Head extends "}"
        ? Scan<Rest, Depth extends readonly [unknown, ...infer Outer] ? Outer : [], Taken>
        : Head extends ":" | "*"
          ? ScanName<Rest, Head, Depth, Taken>
          : Scan<Rest, Depth, Taken>
  : Taken;

/** Takes the name behind a sign: a word, or whatever stands in quotation marks. */
type ScanName<
  Text extends string,
  Sign extends ":" | "*",
  Depth extends readonly unknown[],
  Taken extends Found,
> = Text extends `"${infer Name}"${infer Rest}`
  ? Scan<Rest, Depth, Taken | FoundAs<Name, Sign, Depth>>
  : Scan<BehindWord<Text>, Depth, Taken | FoundAs<Word<Text>, Sign, Depth>>;

/** The name at the front of a text: `"room/x"` gives `"room"`. */
type Word<Text extends string, Read extends string = ""> = Text extends `${infer Head}${infer After}`
  ? Head extends Punctuation
    ? Read
    : Word<After, `${Read}${Head}`>
  : Read;

/** What stands behind it: `"/x"`. */
type BehindWord<Text extends string> = Text extends `${Word<Text>}${infer After}` ? After : "";

type Simplify<T> = { readonly [Key in keyof T]: T[Key] };

type ParamsOf<All extends Found> = Simplify<
  {
    [One in Extract<All, { optional: false }> as One["name"]]: One["value"];
  } & {
    [One in Extract<All, { optional: true }> as One["name"]]?: One["value"];
  }
>;

/**
 * The parameters that a path pattern captures: `"/ws/chat/:room/"` gives `{ room: string }`, a
 * wildcard `*rest` a list, and what stands in braces may be absent. A path that is not known when
 * the program is compiled gives a record of strings.
 */
export type PathParams<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : ParamsOf<Scan<Pattern>>;

/** Where a consumer's class keeps the path that it was written for. It exists in types alone. */
export declare const pathOf: unique symbol;

/** An instance of a class that names its path. */
export interface PathBound<Pattern extends string = string> {
  readonly [pathOf]?: Pattern;
}
