// Taken from the module, because a test may have replaced the global one.
import { setImmediate } from "node:timers";
import { afterEach } from "@jest/globals";

/**
 * Fails each test in which a promise was rejected that nobody heard of. Jest does so by itself, but
 * Node tells of a rejection only after the turn in which it went unheard.
 */
export function noUnhandledRejections(): void {
  afterEach(() => new Promise<void>((resolve) => void setImmediate(resolve)));
}
