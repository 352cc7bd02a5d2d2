/**
 * Why an event was settled and handled by nobody: it has no handler, or its consumer had ended
 * before it came.
 */
export type WhyUnhandled = { readonly kind: "no handler"; readonly reason: () => string } | { readonly kind: "ended" };

const marked = new WeakMap<object, WhyUnhandled>();

/** Notes that nobody handled an event. Whoever waits for it to be handled, as a worker does, can ask. */
export function markUnhandled(event: object, why: WhyUnhandled): void {
  marked.set(event, why);
}

/** Notes of each event that its consumer had ended before its turn came. */
export function markEnded<Event extends object>(events: readonly Event[]): readonly Event[] {
  for (const event of events) markUnhandled(event, { kind: "ended" });
  return events;
}

/** Why nobody handled an event that was settled; `undefined` when it was handled. Asking forgets. */
export function takeUnhandled(event: object): WhyUnhandled | undefined {
  const why = marked.get(event);
  marked.delete(event);
  return why;
}
