import { constants, deflateRawSync } from "node:zlib";
import { frameOf } from "./frame.ts";
import type { CompressionOptions } from "./options.ts";
import { atTurnEnd, type TurnTask } from "./turn.ts";

/** Makes the frames for all clients that agreed on the same. */
export interface CompressedFrames {
  /** The frame to send: compressed, or the one that is given, where that would not be shorter. */
  of(plain: Buffer): Buffer;
}

/** The bit of a frame's first byte that says that it is compressed. */
const compressed = 0x40;

/** How many bytes a flush of zlib ends with that are not sent. */
const tailLength = 4;

/**
 * Makes compressed frames of plain ones. A frame is compressed once in a turn of the event loop,
 * however many sockets it goes to, and all of them share the result.
 *
 * It is done at once, not on another thread: so frames keep their order, and small ones, which most
 * are, cost less than the way there and back. What is too large for that is sent as it is.
 */
export class Compression implements TurnTask {
  readonly #options: Required<CompressionOptions>;
  readonly #frames = new Map<number, CompressedFrames>();
  readonly #made = new Map<Buffer, Buffer>();
  #last: Buffer | undefined;

  constructor(options: Required<CompressionOptions>) {
    this.#options = options;
  }

  /** The frames for the clients for which messages up to a size may be compressed. */
  framesUpTo(clientMaxSize: number): CompressedFrames {
    const { threshold } = this.#options;
    const maxSize = Math.min(clientMaxSize, this.#options.maxSize);
    const known = this.#frames.get(maxSize);
    if (known !== undefined) return known;
    const frames: CompressedFrames = {
      of: (plain) => {
        const length = plain.length - headerLength(plain);
        if (length < threshold || length > maxSize) return plain;
        return this.#found(plain) ?? this.#make(plain, length);
      },
    };
    this.#frames.set(maxSize, frames);
    return frames;
  }

  onTurnEnd(): void {
    this.#made.clear();
    this.#last = undefined;
  }

  #found(plain: Buffer): Buffer | undefined {
    const last = this.#last;
    // Bytes that are sent to many may be framed for each.
    return this.#made.get(last?.equals(plain) === true ? last : plain);
  }

  #make(plain: Buffer, length: number): Buffer {
    if (this.#made.size === 0) atTurnEnd(this);
    const deflated = deflate(plain.subarray(-length), this.#options.level);
    const size = deflated.length - tailLength;
    let made = plain;
    if (size < length) {
      made = frameOf((plain[0] ?? 0) | compressed, size);
      deflated.copy(made, made.length - size, 0, size);
    }
    this.#made.set(plain, made);
    this.#last = plain;
    return made;
  }
}

/** What comes before a frame's payload, where there is no mask. */
function headerLength(frame: Buffer): number {
  const length = frame[1] ?? 0;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

/** With a window no larger than the payload zlib has less to set up, and finds as much. */
function deflate(payload: Buffer, level: number): Buffer {
  const bits = Math.min(constants.Z_MAX_WINDOWBITS, Math.max(9, 32 - Math.clz32(payload.length - 1)));
  return deflateRawSync(payload, {
    level,
    windowBits: bits,
    memLevel: Math.min(8, bits - 6),
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: Math.max(64, payload.length),
  });
}
