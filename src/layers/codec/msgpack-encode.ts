import { types } from "node:util";
import { MillraceError } from "../../protocol/errors.ts";
import type { LayerMessage, LayerValue } from "../../protocol/message.ts";
import { type Address, addressKey } from "./address.ts";

const initialSize = 4096;

/** What a larger message needed is let go again. */
const keptSize = 256 * 1024;

/** Shorter texts are copied by hand, which is quicker than asking for it. */
const shortText = 32;

const two32 = 2 ** 32;

/**
 * Writes messages as Python's msgpack does by default, byte for byte: the shortest form of each
 * length and integer, doubles for all other numbers, text and bytes apart. A number that is
 * integral and fits 64 bits is written as an integer.
 *
 * It takes what `sealMessage` gives, and checks no more than a `switch` does by itself.
 */
export class MsgpackEncoder {
  // Written to again by each message, so that each costs no more than its own copy.
  #buffer = Buffer.allocUnsafeSlow(initialSize);
  #end = 0;

  /**
   * @param address comes last in the map, as `__asgi_channel__`.
   * @param headroom is how many bytes are left free, with any content, before the body.
   */
  encode(message: LayerMessage, address?: Address, headroom = 0): Buffer {
    this.#end = 0;
    this.#writeMap(message, address);
    const body = Buffer.allocUnsafe(headroom + this.#end);
    this.#buffer.copy(body, headroom, 0, this.#end);
    if (this.#buffer.length > keptSize) this.#buffer = Buffer.allocUnsafeSlow(initialSize);
    return body;
  }

  #writeValue(value: LayerValue): void {
    switch (typeof value) {
      case "string":
        return this.#writeText(value);
      case "number":
        return this.#writeNumber(value);
      case "bigint":
        return this.#writeBigint(value);
      case "boolean":
        return this.#writeByte(value ? 0xc3 : 0xc2);
      case "object":
        if (value === null) return this.#writeByte(0xc0);
        if (Array.isArray(value)) return this.#writeArray(value);
        if (types.isUint8Array(value)) return this.#writeBytes(value);
        // Neither null nor a list nor bytes, so of what a value may be it is a map.
        return this.#writeMap(value as Readonly<Record<string, LayerValue>>);
      default:
        throw new MillraceError("ERR_INVALID_MESSAGE", {
          happened: "A value has no form in MessagePack",
          got: value,
          wanted: "a message that was sealed",
        });
    }
  }

  #writeMap(map: Readonly<Record<string, LayerValue>>, address?: Address): void {
    const keys = Object.keys(map);
    this.#writeHead(keys.length + (address === undefined ? 0 : 1), 0x80, 16, undefined, 0xde);
    for (const key of keys) {
      this.#writeText(key);
      this.#writeValue(map[key]);
    }
    if (address === undefined) return;
    this.#writeText(addressKey);
    this.#writeValue(address);
  }

  #writeArray(array: readonly LayerValue[]): void {
    this.#writeHead(array.length, 0x90, 16, undefined, 0xdc);
    for (const value of array) this.#writeValue(value);
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#writeHead(bytes.length, 0, 0, 0xc4, 0xc5);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #writeText(text: string): void {
    if (text.length < shortText && this.#writeShortAscii(text)) return;
    const length = Buffer.byteLength(text);
    this.#writeHead(length, 0xa0, 32, 0xd9, 0xda);
    this.#reserve(length);
    this.#end += this.#buffer.write(text, this.#end);
  }

  /** Gives false, having written nothing, for text that is more than ASCII. */
  #writeShortAscii(text: string): boolean {
    const { length } = text;
    this.#reserve(1 + length);
    const buffer = this.#buffer;
    let end = this.#end;
    buffer[end++] = 0xa0 | length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return false;
      buffer[end++] = unit;
    }
    this.#end = end;
    return true;
  }

  /**
   * Writes a kind and a length or count, in the shortest form that the kind has.
   *
   * @param tiny is the kind with the length in its low bits, for lengths below `tinyLimit`.
   * @param of8 is the kind with 8 bits of length, where there is one.
   * @param of16 is the kind with 16 bits of length; that with 32 follows it.
   */
  #writeHead(length: number, tiny: number, tinyLimit: number, of8: number | undefined, of16: number): void {
    if (length < tinyLimit) this.#writeByte(tiny | length);
    else if (of8 !== undefined && length < 0x100) this.#writeUint(of8, length, 1);
    else if (length < 0x1_0000) this.#writeUint(of16, length, 2);
    else this.#writeUint(of16 + 1, length, 4);
  }

  #writeNumber(value: number): void {
    // Bounds of 64 bits; below them and above are only doubles, as are fractions.
    if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64) {
      if (value >= 0) this.#writeNatural(value);
      else this.#writeNegative(value);
      return;
    }
    this.#reserve(9);
    this.#buffer[this.#end] = 0xcb;
    this.#end = this.#buffer.writeDoubleBE(value, this.#end + 1);
  }

  #writeNatural(value: number): void {
    if (value < 0x80) this.#writeByte(value);
    else if (value < 0x100) this.#writeUint(0xcc, value, 1);
    else if (value < 0x1_0000) this.#writeUint(0xcd, value, 2);
    else if (value < two32) this.#writeUint(0xce, value, 4);
    else this.#writeHalves(0xcf, value);
  }

  #writeNegative(value: number): void {
    if (value >= -0x20) this.#writeByte(value + 0x100);
    else if (value >= -0x80) this.#writeUint(0xd0, value + 0x100, 1);
    else if (value >= -0x8000) this.#writeUint(0xd1, value + 0x1_0000, 2);
    else if (value >= -(2 ** 31)) this.#writeUint(0xd2, value + two32, 4);
    else this.#writeHalves(0xd3, value);
  }

  /** Also for integers above 2⁵³: to halve one by a power of two is exact. */
  #writeHalves(kind: number, value: number): void {
    const high = Math.floor(value / two32);
    this.#writeUint(kind, high < 0 ? high + two32 : high, 4);
    this.#reserve(4);
    this.#end = this.#buffer.writeUInt32BE(value - high * two32, this.#end);
  }

  #writeBigint(value: bigint): void {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return this.#writeNumber(number);
    this.#reserve(9);
    this.#buffer[this.#end] = value < 0n ? 0xd3 : 0xcf;
    this.#end = this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, value), this.#end + 1);
  }

  #writeUint(kind: number, value: number, size: 1 | 2 | 4): void {
    this.#reserve(1 + size);
    this.#buffer[this.#end] = kind;
    this.#end = this.#buffer.writeUIntBE(value, this.#end + 1, size);
  }

  #writeByte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = byte;
  }

  #reserve(size: number): void {
    const needed = this.#end + size;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}
