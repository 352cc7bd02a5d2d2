/** A function that may also be called with `new`, for those who come from classes. */
export interface Callable<Arguments extends readonly unknown[], Result extends object> {
  (...given: Arguments): Result;
  new (...given: Arguments): Result;
}

/**
 * Lets TypeScript call a function with `new`.
 *
 * @param make must be a `function`, because an arrow can't be constructed. What it returns is an
 *   object, so that `new` gives that.
 */
export function callable<Arguments extends readonly unknown[], Result extends object>(
  make: (this: unknown, ...given: Arguments) => Result,
): Callable<Arguments, Result> {
  // JavaScript lets every `function` be constructed; TypeScript has no type for that.
  return make as unknown as Callable<Arguments, Result>;
}
