/**
 * The Chromium that the browser tests drive: the one that `CHROMIUM_PATH` names, and no other where
 * it is set; else the first Chromium or Google Chrome on `PATH`. Undefined if there is none.
 */
export function findBrowser(environment?: NodeJS.ProcessEnv): string | undefined;
