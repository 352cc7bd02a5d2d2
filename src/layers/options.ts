import type { ChannelLayerOptions } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { type CapacityOf, compileCapacity } from "./capacity.ts";

/** A layer's options, checked, with their defaults. */
export interface LayerSettings {
  /** How long a message may wait to be received, in milliseconds. */
  readonly expiry: number;
  /** How long a membership lasts, in milliseconds. */
  readonly groupExpiry: number;
  /** The capacity of a channel for which no pattern says otherwise. */
  readonly capacity: number;
  readonly capacityOf: CapacityOf;
  /** In bytes. */
  readonly maxMessageSize: number;
}

const sharedOptions: readonly (keyof ChannelLayerOptions)[] = [
  "expiry",
  "groupExpiry",
  "capacity",
  "channelCapacity",
  "maxMessageSize",
];

/** 1 MiB, and 64 KiB for what stands beside it. */
const defaultMessageSize = 1024 ** 2 + 64 * 1024;

/**
 * Checks the options that every layer takes.
 *
 * @param ownOptions are the names of those that a layer takes beside them, and checks itself.
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function readOptions(options: ChannelLayerOptions, ownOptions: readonly string[]): LayerSettings {
  // Those who write JavaScript may give anything.
  const given: unknown = options;
  if (typeof given !== "object" || given === null) {
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: "Those are no options",
      got: given,
      wanted: "an object",
    });
  }
  const known = [...sharedOptions, ...ownOptions];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(name, known);
  }
  const { expiry = 60, groupExpiry = 86_400, capacity = 100, channelCapacity } = options;
  const { maxMessageSize = defaultMessageSize } = options;
  return {
    expiry: milliseconds("expiry", expiry),
    groupExpiry: milliseconds("groupExpiry", groupExpiry),
    capacity,
    capacityOf: compileCapacity(capacity, channelCapacity),
    maxMessageSize: size("maxMessageSize", maxMessageSize),
  };
}

function milliseconds(option: string, seconds: unknown): number {
  if (typeof seconds === "number" && Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${option} is no time`,
    got: seconds,
    wanted: "seconds, as a finite number above 0",
  });
}

function size(option: string, bytes: unknown): number {
  if (Number.isSafeInteger(bytes) && Number(bytes) > 0) return Number(bytes);
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: `${option} is no size`,
    got: bytes,
    wanted: "bytes, as a whole number above 0",
  });
}

function unknownOption(name: string, known: readonly string[]): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", {
    happened: `A channel layer has no option ${JSON.stringify(name)}${didYouMean(name, known)}`,
    wanted: known.join(", "),
  });
}
