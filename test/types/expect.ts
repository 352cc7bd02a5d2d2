// oxlint-disable typescript/no-unnecessary-type-parameters -- two generic functions are compared to the letter

/** Compiles only where two types are the same. */
export type Equal<Left, Right> =
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
export type Expect<Outcome extends true> = Outcome;
