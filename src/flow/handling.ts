/** How many handlers are on the stack: one may hand an event to the mailbox of another. */
let depth = 0;
let waiting: Array<() => void> = [];

/** Whether a handler runs at this moment, as far as it runs without waiting. */
export function isHandling(): boolean {
  return depth > 0;
}

/** A handler is entered. */
export function beginHandling(): void {
  depth++;
}

/** A handler has returned, or thrown, or waits for something. What waits for all that are on the stack is called. */
export function endHandling(): void {
  depth--;
  if (depth > 0 || waiting.length === 0) return;
  const due = waiting;
  waiting = [];
  for (const task of due) task();
}

/** Calls a task when the handlers that are on the stack have returned. It MUST NOT throw. */
export function afterHandling(task: () => void): void {
  waiting.push(task);
}
