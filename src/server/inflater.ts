import { constants, inflateRawSync } from "node:zlib";
import { closeCodes } from "../protocol/close-codes.ts";

/** What a sender takes away from the end of each compressed message. */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** From this size on, what was inflated is handed on in a turn of its own, so that one client does not keep the others waiting. */
const turnSize = 64 * 1024;

/**
 * Inflates one client's messages. It stands where `ws` has an extension, whose methods it has. Since
 * each message stands for itself, nothing is held between two messages.
 */
export class Inflater {
  readonly #maxMessageSize: number;
  #fragments: Buffer[] = [];
  #refusedWith: number | undefined;

  constructor(maxMessageSize: number) {
    this.#maxMessageSize = maxMessageSize;
  }

  /** The code with which the client is to be closed, once a message of its could not be inflated. */
  get refusedWith(): number | undefined {
    return this.#refusedWith;
  }

  /** Takes a fragment of a message. After the last, `done` gets the message; before it, nothing. It is called later. */
  decompress(fragment: Buffer, isLast: boolean, done: (error: Error | null, inflated?: Buffer) => void): void {
    this.#fragments.push(fragment);
    if (!isLast) return queueMicrotask(() => done(null, Buffer.alloc(0)));
    const deflated = Buffer.concat([...this.#fragments, tail]);
    this.#fragments = [];
    try {
      const inflated = this.#inflate(deflated);
      if (inflated.length < turnSize) queueMicrotask(() => done(null, inflated));
      else setImmediate(done, null, inflated);
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException; // Nothing but zlib throws here.
      this.#refusedWith = (error.code === "ERR_BUFFER_TOO_LARGE" ? closeCodes.tooBig : closeCodes.invalidPayload).code;
      queueMicrotask(() => done(error));
    }
  }

  /** The socket is closed. */
  cleanup(): void {
    this.#fragments = [];
  }

  #inflate(deflated: Buffer): Buffer {
    return inflateRawSync(deflated, {
      finishFlush: constants.Z_SYNC_FLUSH,
      // A small message does not need the 16 KiB that are set aside by default.
      chunkSize: Math.min(16 * 1024, Math.max(256, deflated.length * 4)),
      maxOutputLength: this.#maxMessageSize,
    });
  }
}
