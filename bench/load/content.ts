import { constants, inflateRawSync } from "node:zlib";
import type { LoadClient } from "./client.ts";
import type { Dialect } from "./dialect.ts";
import { NumberedFrames } from "./frames.ts";

/** The digits that number a text, at its start. */
const digits = 10;
/** Of so many messages one is looked at wholly. */
const sampled = 256;
const [zero, filler, rewritten] = [0x30, 0x78, 0x58];
/** What a sender leaves out at the end of a compressed message (RFC 7692, 7.2.1). */
const tail = Buffer.of(0x00, 0x00, 0xff, 0xff);
const openEnded = { finishFlush: constants.Z_SYNC_FLUSH };

/** What is sent and has to come back: texts of one size, each with its number at its start. */
export class Content {
  readonly #dialect: Dialect;
  readonly #size: number;
  readonly #frames: NumberedFrames;
  #seen = 0;
  #lastCompressed: Buffer | undefined;
  #lastInflated = Buffer.alloc(0);

  constructor(dialect: Dialect, size: number) {
    this.#dialect = dialect;
    this.#size = size;
    const text = "0".repeat(digits).padEnd(size, String.fromCodePoint(filler));
    const payload = dialect.wrap(text);
    this.#frames = new NumberedFrames(payload, payload.indexOf(text), digits);
  }

  /** The frame of a text, as a client sends it. */
  frame(number: number): Buffer {
    return this.#frames.numbered(number);
  }

  /** The number of what a client got. Throws when it is not what that client has to get. */
  numberOf(client: LoadClient, bytes: Buffer, start: number, end: number): number {
    const [before, after] = this.#dialect.around;
    const wanted = client.marked ? rewritten : filler;
    const text = start + before;
    if (end - start !== before + this.#size + after || bytes[end - after - 1] !== wanted) {
      throw new Error(`A client got ${bytes.toString("latin1", start, Math.min(end, start + 100))}`);
    }
    if (this.#seen++ % sampled === 0) this.#look(bytes, text + digits, end - after, wanted);
    let number = 0;
    for (let at = text; at < text + digits; at++) number = number * 10 + (bytes[at] ?? 0) - zero;
    return number;
  }

  /** The same of what came compressed, each message by itself. */
  numberOfCompressed(client: LoadClient, bytes: Buffer, start: number, end: number): number {
    if (this.#lastCompressed?.compare(bytes, start, end) !== 0) {
      this.#lastCompressed = Buffer.from(bytes.subarray(start, end));
      this.#lastInflated = inflateRawSync(Buffer.concat([this.#lastCompressed, tail]), openEnded);
    }
    return this.numberOf(client, this.#lastInflated, 0, this.#lastInflated.length);
  }

  #look(bytes: Buffer, from: number, to: number, wanted: number): void {
    for (let at = from; at < to; at++) {
      if (bytes[at] !== wanted) throw new Error(`A text has ${bytes[at]} at ${at - from + digits}`);
    }
  }
}
