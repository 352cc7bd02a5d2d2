import { randomFillSync } from "node:crypto";
import { unreadable } from "./received.ts";

// Filled once for very many messages, because to ask for twelve bytes costs as much as for thousands.
const stock = Buffer.allocUnsafeSlow(8192);
let used = stock.length;

/** Fills the first bytes of a frame with random ones, which tell equal messages in a sorted set apart. */
export function fillPrefix(frame: Buffer, length: number): void {
  if (length > stock.length - used) {
    randomFillSync(stock);
    used = 0;
  }
  stock.copy(frame, 0, used, used + length);
  used += length;
}

/**
 * The body of a frame, without its random prefix.
 *
 * @throws MillraceError `ERR_INVALID_MESSAGE` when it is shorter than that.
 */
export function stripPrefix(frame: Buffer, length: number): Buffer {
  if (frame.length >= length) return frame.subarray(length);
  throw unreadable(`${frame.length} bytes, which is less than a prefix of ${length}`);
}
