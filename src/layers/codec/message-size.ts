import { types } from "node:util";
import { MillraceError, show } from "../../protocol/errors.ts";
import type { LayerMessage, LayerValue } from "../../protocol/message.ts";

/**
 * How large a message is: the bytes that it has as MessagePack, whatever the layer makes of it. So
 * what one layer carries every other does.
 */
export function messageSize(message: LayerMessage): number {
  return sizeOf(message);
}

/**
 * @param limit is what `maxMessageSize` says.
 * @param where says which message it is: "The message", "A message that was received".
 * @throws MillraceError `ERR_MESSAGE_TOO_LARGE`.
 */
export function checkMessageSize(message: LayerMessage, limit: number, where: string): void {
  const size = messageSize(message);
  if (size <= limit) return;
  throw new MillraceError("ERR_MESSAGE_TOO_LARGE", {
    happened: `${where} of type ${show(message.type)} has ${size} bytes`,
    wanted: `at most ${limit}, which is maxMessageSize`,
    remedy: "Keep what is large elsewhere and send its name, or raise maxMessageSize in every process",
  });
}

function sizeOf(value: LayerValue): number {
  switch (typeof value) {
    case "string":
      return sizeOfText(value);
    case "number":
      return Number.isInteger(value) ? sizeOfInteger(value) : 9;
    case "bigint":
      return 9;
    case "object":
      if (value === null) return 1;
      if (types.isUint8Array(value)) return (value.length < 0x100 ? 2 : headOfMany(value.length)) + value.length;
      return Array.isArray(value) ? sizeOfList(value) : sizeOfMap(value as Readonly<Record<string, LayerValue>>);
    default:
      return 1;
  }
}

function sizeOfText(text: string): number {
  const length = Buffer.byteLength(text);
  if (length < 32) return 1 + length;
  return (length < 0x100 ? 2 : headOfMany(length)) + length;
}

function sizeOfList(list: readonly LayerValue[]): number {
  let size = headOfFew(list.length);
  for (const value of list) size += sizeOf(value);
  return size;
}

function sizeOfMap(map: Readonly<Record<string, LayerValue>>): number {
  const keys = Object.keys(map);
  let size = headOfFew(keys.length);
  for (const key of keys) size += sizeOfText(key) + sizeOf(map[key]);
  return size;
}

function sizeOfInteger(value: number): number {
  if (value >= -0x20 && value < 0x80) return 1;
  if (value >= -0x80 && value < 0x100) return 2;
  if (value >= -0x8000 && value < 0x1_0000) return 3;
  return value >= -(2 ** 31) && value < 2 ** 32 ? 5 : 9;
}

/** Of a list or a map. */
function headOfFew(count: number): number {
  return count < 16 ? 1 : headOfMany(count);
}

function headOfMany(length: number): number {
  return length < 0x1_0000 ? 3 : 5;
}
