/** Tells a promise, of whatever library, from what is there already. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayBe && "then" in value && typeof value.then === "function";
}

/** For a rejection that is told elsewhere. */
export function ignore(): void {}
