import { constants, inflateRawSync } from "node:zlib";
import type { LoadClient } from "./client.ts";
import type { Dialect } from "./dialect.ts";
import { NumberedFrames } from "./frames.ts";

/** The digits that number a text, at its start. */
const digits = 10;
/** Of so many messages one is looked at wholly. */
const sampled = 256;
const zero = 0x30;
/** What a sender leaves out at the end of a compressed message (RFC 7692, 7.2.1). */
const tail = Buffer.of(0x00, 0x00, 0xff, 0xff);
const openEnded = { finishFlush: constants.Z_SYNC_FLUSH };

/** What is sent and has to come back: texts of one size, each with its number at its start. */
export class Content {
  readonly #dialect: Dialect;
  readonly #size: number;
  readonly #frames: NumberedFrames;
  /** What follows the number, for those whose messages are left as they are, and for the others. */
  readonly #plain: Buffer;
  readonly #rewritten: Buffer;
  #seen = 0;
  #lastCompressed: Buffer | undefined;
  #lastInflated = Buffer.alloc(0);

  constructor(dialect: Dialect, size: number) {
    const words = prose(size - digits);
    this.#dialect = dialect;
    this.#size = size;
    this.#plain = Buffer.from(words, "latin1");
    this.#rewritten = Buffer.from(words.toUpperCase(), "latin1");
    const text = "0".repeat(digits) + words;
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
    const words = client.marked ? this.#rewritten : this.#plain;
    const text = start + before;
    const rest = text + digits;
    const wrong =
      end - start !== before + this.#size + after ||
      bytes[end - after - 1] !== words.at(-1) ||
      (this.#seen++ % sampled === 0 && words.compare(bytes, rest, end - after) !== 0);
    if (wrong) throw new Error(`A client got ${bytes.toString("latin1", start, end)}`);
    let number = 0;
    for (let at = text; at < rest; at++) number = number * 10 + (bytes[at] ?? 0) - zero;
    return number;
  }

  /** The same of what came compressed, each message by itself. What many get is inflated once. */
  numberOfCompressed(client: LoadClient, bytes: Buffer, start: number, end: number): number {
    if (this.#lastCompressed?.compare(bytes, start, end) !== 0) {
      this.#lastCompressed = Buffer.from(bytes.subarray(start, end));
      this.#lastInflated = inflateRawSync(Buffer.concat([this.#lastCompressed, tail]), openEnded);
    }
    return this.numberOf(client, this.#lastInflated, 0, this.#lastInflated.length);
  }
}

const syllables = [
  "ba",
  "cre",
  "di",
  "fon",
  "gu",
  "hal",
  "ik",
  "jo",
  "ke",
  "lum",
  "ma",
  "ne",
  "or",
  "pa",
  "qui",
  "ser",
];

/** Words of a made-up language, always the same, which compress about as well as those of others. */
function prose(length: number): string {
  let text = "";
  for (let state = 7; text.length < length; state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) {
    text += (syllables[(state >> 16) & 15] ?? "") + ((state >> 20) % 3 === 0 ? " " : "");
  }
  return `${text.slice(0, Math.max(0, length - 1))}x`;
}
