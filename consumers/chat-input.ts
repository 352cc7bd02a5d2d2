/** The longest message, name and room, in characters as a person counts them: code points. */
export const longestText = 2000;
export const longestName = 40;
export const longestRoom = 60;

/** What a client of the chat may say. */
export type ChatInput =
  /** Comes in under a name, or changes it. */
  | { readonly type: "join"; readonly name: string }
  /** Says something. The client makes the id, by which it knows its own message again. */
  | { readonly type: "say"; readonly id: string; readonly text: string };

/** What is wrong with something that a client sent, in a sentence for its user. */
export interface InvalidInput {
  readonly type: "invalid";
  readonly problem: string;
  /** The message that it is about, where there is one. */
  readonly id?: string;
}

/** Names what came from outside. It never throws, whatever the content is. */
export function readChatInput(content: unknown): ChatInput | InvalidInput {
  if (typeof content !== "object" || content === null) return invalid("A message is an object with a type.");
  // Each field is of any type until it was looked at; one that is missing is undefined.
  const { type, name, id, text } = content as Readonly<Record<string, unknown>>;
  if (type === "join") return readJoin(name);
  if (type === "say") return readSay(id, text);
  return invalid("A message's type is join or say.");
}

/** A room's name as all who mean it write it, or `undefined` when it is none. */
export function readRoom(room: string): string | undefined {
  return readLine(room, longestRoom);
}

function readJoin(name: unknown): ChatInput | InvalidInput {
  const readable = typeof name === "string" ? readLine(name, longestName) : undefined;
  return readable === undefined
    ? invalid(`A name has 1 to ${longestName} characters, on one line.`)
    : { type: "join", name: readable };
}

function readSay(id: unknown, text: unknown): ChatInput | InvalidInput {
  if (typeof id !== "string" || !/^[\w-]{1,40}$/.test(id))
    return invalid("A message's id has 1 to 40 letters or digits.");
  if (typeof text !== "string" || !text.isWellFormed()) return { ...invalid("A message needs a text."), id };
  if (text.trim() === "") return { ...invalid("A message needs some text."), id };
  const length = characters(text);
  if (length <= longestText) return { type: "say", id, text };
  const problem = `A message has at most ${longestText} characters; this one has ${length}.`;
  return { ...invalid(problem), id };
}

/** A line of text: white space made one space, and what looks the same made the same. */
function readLine(text: string, longest: number): string | undefined {
  // A text that is cut in the middle of a character can't be written in UTF-8.
  if (!text.isWellFormed()) return undefined;
  const line = text.normalize("NFC").replaceAll(/\s+/g, " ").trim();
  const length = characters(line);
  return length >= 1 && length <= longest && !/\p{Cc}/u.test(line) ? line : undefined;
}

/** An emoji counts once, though JavaScript's `length` says 2. */
function characters(text: string): number {
  return Array.from(text).length;
}

function invalid(problem: string): InvalidInput {
  return { type: "invalid", problem };
}
