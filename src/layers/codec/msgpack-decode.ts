import { isUtf8 } from "node:buffer";
import type { MillraceError } from "../../protocol/errors.ts";
import type { LayerValue } from "../../protocol/message.ts";
import { checkReceivedDepth, checkReceivedKey, unreadable } from "./received.ts";

/**
 * Reads one value of MessagePack, frozen to its depths. Integers that a number does not hold safely
 * are bigints; bytes are copied, so that the body can be let go; `-0` is `0`; NaN and infinities,
 * which Python writes and no message of ours holds, are read as such; of a key that comes twice the
 * last value counts, as in Python.
 *
 * @throws MillraceError `ERR_INVALID_MESSAGE` for whatever else than one whole value it finds: a
 *   body cut short or with more behind it, text that is not UTF-8, keys that are no text or
 *   `__proto__`, timestamps and other extensions, or more than 512 levels. The time and the memory that
 *   this takes grow with the body, not with the lengths that it claims.
 */
export function decodeMsgpack(body: Buffer): LayerValue {
  return new Reader(body).readWhole();
}

/** Text of so few bytes, as most keys are, is read by hand, which is quicker than asking for it. */
const shortText = 8;

class Reader {
  readonly #body: Buffer;
  #position = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  readWhole(): LayerValue {
    const value = this.#readValue(0);
    if (this.#position === this.#body.length) return value;
    throw this.#unreadable("more behind its end", this.#position);
  }

  #readValue(depth: number): LayerValue {
    const start = this.#position;
    const kind = this.#readByte();
    if (kind < 0x80) return kind;
    if (kind < 0x90) return this.#readMap(kind & 0x0f, depth + 1);
    if (kind < 0xa0) return this.#readArray(kind & 0x0f, depth + 1);
    if (kind < 0xc0) return this.#readText(kind & 0x1f);
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#readBytes(this.#readUint(sizeOf(kind - 0xc4)));
      case 0xca:
        // Adding 0 makes 0 of -0, as it is for all messages.
        return this.#body.readFloatBE(this.#take(4)) + 0;
      case 0xcb:
        return this.#body.readDoubleBE(this.#take(8)) + 0;
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#readUint(sizeOf(kind - 0xcc));
      case 0xcf:
        return numberIfSafe(this.#body.readBigUInt64BE(this.#take(8)));
      case 0xd0:
        return this.#body.readInt8(this.#take(1));
      case 0xd1:
        return this.#body.readInt16BE(this.#take(2));
      case 0xd2:
        return this.#body.readInt32BE(this.#take(4));
      case 0xd3:
        return numberIfSafe(this.#body.readBigInt64BE(this.#take(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#readText(this.#readUint(sizeOf(kind - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#readArray(this.#readUint(sizeOf(kind - 0xdb)), depth + 1);
      case 0xde:
      case 0xdf:
        return this.#readMap(this.#readUint(sizeOf(kind - 0xdd)), depth + 1);
      case 0xc1:
        throw this.#unreadable("a byte that MessagePack never uses", start);
      default:
        throw this.#unreadable("a timestamp or another extension", start);
    }
  }

  #readMap(count: number, depth: number): LayerValue {
    checkReceivedDepth(depth);
    this.#checkLeft(2 * count);
    const map: Record<string, LayerValue> = {};
    for (let entry = 0; entry < count; entry++) {
      const key = this.#readKey();
      map[key] = this.#readValue(depth);
    }
    return Object.freeze(map);
  }

  #readKey(): string {
    const start = this.#position;
    const kind = this.#readByte();
    // First what is no text, so that its length is not read as one.
    if (!((kind >= 0xa0 && kind < 0xc0) || (kind >= 0xd9 && kind <= 0xdb))) {
      throw this.#unreadable("a key that is no text", start);
    }
    const key = this.#readText(kind < 0xc0 ? kind & 0x1f : this.#readUint(sizeOf(kind - 0xd9)));
    checkReceivedKey(key);
    return key;
  }

  #readArray(count: number, depth: number): LayerValue {
    checkReceivedDepth(depth);
    this.#checkLeft(count);
    const array: LayerValue[] = [];
    for (let index = 0; index < count; index++) array.push(this.#readValue(depth));
    return Object.freeze(array);
  }

  #readText(length: number): string {
    const start = this.#take(length);
    if (length <= shortText) {
      const text = this.#readShortAscii(start, start + length);
      if (text !== undefined) return text;
    }
    const text = this.#body.toString("utf8", start, start + length);
    // What is not UTF-8 shows as U+FFFD, which text may also hold by itself.
    if (!text.includes("\ufffd") || isUtf8(this.#body.subarray(start, start + length))) return text;
    throw this.#unreadable("text that is not UTF-8", start);
  }

  /** Gives undefined for what is more than ASCII. */
  #readShortAscii(start: number, end: number): string | undefined {
    let text = "";
    for (let at = start; at < end; at++) {
      const byte = this.#body[at] ?? 0x80;
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #readBytes(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#body.subarray(start, start + length));
  }

  #readByte(): number {
    const byte = this.#body[this.#position];
    if (byte === undefined) throw this.#unreadable("cut short", this.#position);
    this.#position++;
    return byte;
  }

  #readUint(size: 1 | 2 | 4): number {
    return this.#body.readUIntBE(this.#take(size), size);
  }

  /** Steps over so many bytes, and gives where they start. */
  #take(length: number): number {
    this.#checkLeft(length);
    const start = this.#position;
    this.#position += length;
    return start;
  }

  #checkLeft(length: number): void {
    if (length > this.#body.length - this.#position) throw this.#unreadable("cut short", this.#position);
  }

  #unreadable(found: string, at: number): MillraceError {
    return unreadable(`${found}, at byte ${at} of ${this.#body.length}`);
  }
}

/** The bytes of a length or integer, by the place of its kind among those of its family. */
function sizeOf(place: number): 1 | 2 | 4 {
  return place === 0 ? 1 : place === 1 ? 2 : 4;
}

function numberIfSafe(integer: bigint): number | bigint {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}
