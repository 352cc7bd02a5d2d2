type Letter =
  | "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m"
  | "n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z";
type NameCharacter = Letter | Uppercase<Letter> | "_" | "$" | "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";

/** The identifier at the front of a text: `"room/x"` gives `"room"`. */
type Name<Text extends string, Taken extends string = ""> = Text extends `${infer Head}${infer Rest}`
  ? Head extends NameCharacter
    ? Name<Rest, `${Taken}${Head}`>
    : Taken
  : Taken;

/** The names behind a sign: `:` for one segment, `*` for several. */
type Names<Pattern extends string, Sign extends ":" | "*"> = Pattern extends `${string}${Sign}${infer Rest}`
  ? Name<Rest> | Names<Rest, Sign>
  : never;

/** What stands in braces, which may be absent from a path. */
type Optional<Pattern extends string> = Pattern extends `${string}{${infer Group}}${infer Rest}`
  ? `${Group}/${Optional<Rest>}`
  : "";

/** What stands outside of braces. */
type Required<Pattern extends string> = Pattern extends `${infer Before}{${string}}${infer Rest}`
  ? `${Before}/${Required<Rest>}`
  : Pattern;

type Simplify<T> = { readonly [Key in keyof T]: T[Key] };

/**
 * The parameters that a path pattern captures: `"/ws/chat/:room/"` gives `{ room: string }`, a
 * wildcard `*rest` a list, and what stands in braces may be absent. A path that is not known when
 * the program is compiled gives a record of strings.
 */
export type PathParams<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : Simplify<
      { [Key in Names<Required<Pattern>, ":">]: string } & { [Key in Names<Required<Pattern>, "*">]: readonly string[] } & {
        [Key in Names<Optional<Pattern>, ":">]?: string;
      } & { [Key in Names<Optional<Pattern>, "*">]?: readonly string[] }
    >;

/** Where a consumer's class keeps the path that it was written for. It exists in types alone. */
export declare const pathOf: unique symbol;

/** An instance of a class that names its path. */
export interface PathBound<Pattern extends string = string> {
  readonly [pathOf]?: Pattern;
}
