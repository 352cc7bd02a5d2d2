/** What the lesson sends about: a text, and an id by which the page knows its own message again. */
export interface LessonMessage {
  readonly id: string;
  readonly text: string;
}

/** Names what came from outside, or gives `undefined` when it is no message. */
export function readLessonMessage(json: string): LessonMessage | undefined {
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof content !== "object" || content === null) return undefined;
  const { id, text } = content as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || typeof text !== "string") return undefined;
  return id.length <= 40 && text.length <= 200 ? { id, text } : undefined;
}
