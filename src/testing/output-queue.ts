// Taken from the module, because a test may replace the global timers.
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { MillraceError } from "../protocol/errors.ts";

/** What an application has put out and a test has not yet taken, with the failures among it. */
export class OutputQueue<T> {
  readonly #values: T[] = [];
  readonly #failures: Error[] = [];
  readonly #listeners = new Set<() => void>();

  push(value: T): void {
    this.#values.push(value);
    this.#changed();
  }

  /** Keeps a failure for the next that takes, ahead of all values. */
  fail(error: Error): void {
    this.#failures.push(error);
    this.#changed();
  }

  /** Throws the oldest failure that nobody has heard of. */
  throwFailure(): void {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
  }

  /**
   * The next value.
   *
   * @param timeout in milliseconds.
   * @throws the application's failure when there is one; MillraceError `ERR_TIMEOUT` when nothing
   *   came in time, which leaves the application as it is.
   */
  async take(timeout: number): Promise<T> {
    const deadline = Date.now() + timeout;
    for (;;) {
      if (await this.isQuiet(Math.max(0, deadline - Date.now()))) {
        throw timedOut("The application sent nothing", timeout);
      }
      // A failing handler closes its socket first and rejects a moment later: let the failure arrive.
      await new Promise((resolve) => setImmediate(resolve));
      this.throwFailure();
      const [value] = this.#values.splice(0, 1);
      if (value !== undefined) return value;
    }
  }

  /** Whether nothing comes, neither a value nor a failure, for so many milliseconds. */
  async isQuiet(timeout: number): Promise<boolean> {
    if (this.#values.length > 0 || this.#failures.length > 0) return false;
    return new Promise((resolve) => {
      const settle = (quiet: boolean): void => {
        this.#listeners.delete(woken);
        clearTimeout(timer);
        resolve(quiet);
      };
      const woken = (): void => settle(false);
      const timer = setTimeout(settle, timeout, true);
      this.#listeners.add(woken);
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Settles as a promise does, or rejects with `ERR_TIMEOUT`; what the promise stands for goes on. */
export async function inTime<T>(promise: Promise<T>, timeout: number, happened: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut(happened, timeout)), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(happened: string, timeout: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened,
    wanted: `it within ${timeout} ms`,
    remedy: "The application goes on; wait longer, or look for what it waits for",
  });
}
