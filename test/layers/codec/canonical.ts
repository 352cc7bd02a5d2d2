import { createHash } from "node:crypto";
import { types } from "node:util";

/**
 * The hash of one text for each value, the same as other-side.py makes. Lists and maps are told by
 * what they hold, numbers that are safe integers as such, all others by the bytes of their double.
 */
export function sha256(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

function canonical(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return `i${value}`;
  if (typeof value === "number") return canonicalNumber(value);
  if (typeof value === "string") return `s${Buffer.from(value).toString("hex")}`;
  if (types.isUint8Array(value)) return `b${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value as object).map(([key, inner]) => `${canonical(key)}:${canonical(inner)}`);
  // Of ASCII only, so that Python sorts them alike.
  return `{${entries.toSorted((one, other) => (one < other ? -1 : 1)).join(",")}}`;
}

function canonicalNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Number.isSafeInteger(value)) return `i${BigInt(value)}`;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `d${bytes.toString("hex")}`;
}
