import { atTurnEnd } from "./turn.ts";

/** Frames up to this size are copied together; larger ones are handed over as they are. */
const mergedSize = 16 * 1024;

/**
 * The frames that a socket is sent in a turn of the event loop, in their order. A list never
 * changes: one more frame gives another list. Sockets that are sent the same frames come to have the
 * very same list, and share what it is written as.
 */
export class FrameList {
  readonly length: number;
  readonly bytes: number;
  readonly #before: FrameList | undefined;
  readonly #last: Buffer | undefined;
  /** The list that this one last became. */
  #next: FrameList | undefined;
  #chunks: readonly Buffer[] | undefined;

  private constructor(before: FrameList | undefined, last: Buffer | undefined) {
    this.#before = before;
    this.#last = last;
    this.length = before === undefined ? 0 : before.length + 1;
    this.bytes = before === undefined || last === undefined ? 0 : before.bytes + last.length;
  }

  static readonly empty: FrameList = new FrameList(undefined, undefined);

  /** The list with one more frame. */
  with(frame: Buffer): FrameList {
    const next = this.#next;
    if (next !== undefined && next.#last === frame) return next;
    // The empty list stays for ever, and must not keep the others for longer than their turn.
    if (next === undefined && this.#before === undefined) atTurnEnd(this);
    this.#next = new FrameList(this, frame);
    return this.#next;
  }

  onTurnEnd(): void {
    this.#next = undefined;
  }

  /** The frames in as few buffers as is cheap. */
  get chunks(): readonly Buffer[] {
    this.#chunks ??= merged(FrameList.#framesOf(this), this.bytes);
    return this.#chunks;
  }

  static #framesOf(whole: FrameList): readonly Buffer[] {
    const frames: Buffer[] = [];
    for (let list: FrameList | undefined = whole; list !== undefined; list = list.#before) {
      if (list.#last !== undefined) frames.push(list.#last);
    }
    return frames.toReversed();
  }
}

/** Frames in as few buffers as is cheap. */
export function merged(frames: readonly Buffer[], bytes: number): readonly Buffer[] {
  if (frames.length < 2) return frames;
  if (bytes <= mergedSize) return [Buffer.concat(frames, bytes)];
  const chunks: Buffer[] = [];
  let small: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    if (small.length > 0) chunks.push(small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small, size));
    small = [];
    size = 0;
  };
  for (const frame of frames) {
    if (size + frame.length > mergedSize) flush();
    if (frame.length > mergedSize) {
      chunks.push(frame);
    } else {
      small.push(frame);
      size += frame.length;
    }
  }
  flush();
  return chunks;
}
