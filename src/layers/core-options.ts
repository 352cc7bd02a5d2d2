import type { ChannelLayerOptions } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { type Endpoint, readHosts } from "../redis/endpoint.ts";
import type { RedisHosts } from "../redis/hosts.ts";
import {
  connectionOptionNames,
  type ConnectionSettings,
  readConnectionOptions,
  type RedisConnectionOptions,
} from "../redis/options.ts";
import { type Codec, type CodecOptions, createCodec } from "./codec/codec.ts";
import { type JobOptions, jobOptionNames, type JobSettings, readJobOptions } from "./job-options.ts";
import type { LayerSettings } from "./options.ts";

/**
 * Options of {@link RedisChannelLayer}. Those that Python's layer has as well must be the same on
 * both sides: hosts and their order, prefix, groupExpiry, keys, serializer and random prefix.
 */
export interface RedisChannelLayerOptions extends ChannelLayerOptions, RedisConnectionOptions, JobOptions {
  /** Channels and groups are spread over the hosts by their names. None may be a cluster. @default [redis://localhost:6379] */
  readonly hosts?: RedisHosts;
  /** Stands before each key in Redis. @default "asgi" */
  readonly prefix?: string;
  /** The first encrypts, all decrypt. @default [] */
  readonly symmetricEncryptionKeys?: CodecOptions["symmetricEncryptionKeys"];
  /** `"json"` carries no bytes, and Python's side must know it: channels_redis 4.0 does not. @default "msgpack" */
  readonly serializer?: CodecOptions["serializer"];
  /** How many random bytes come before each body; channels_redis 4.0 has no other length. @default 12 */
  readonly randomPrefixLength?: number;
  /**
   * Whether the channels of this process are one member of a group together, to whom a message is
   * sent once. `false` makes each channel a member by its own name, so that Python can take it out
   * of the group. @default true
   */
  readonly aggregate?: boolean;
  /**
   * For how many seconds the members of a process that died stay in their groups. Memberships are
   * renewed three times as often. It counts as groupExpiry where that is shorter. @default 30
   */
  readonly lease?: number;
}

/** The names of the options that the layer takes beside those that all layers take. */
export const coreOptionNames: readonly string[] = [
  "hosts",
  "prefix",
  "symmetricEncryptionKeys",
  "serializer",
  "randomPrefixLength",
  "aggregate",
  "lease",
  ...jobOptionNames,
  ...connectionOptionNames,
];

/** The layer's own options, checked, with their defaults. */
export interface CoreSettings {
  readonly endpoints: readonly Endpoint[];
  readonly connection: ConnectionSettings;
  readonly codec: Codec;
  readonly prefix: string;
  readonly aggregate: boolean;
  /** In milliseconds. */
  readonly lease: number;
  readonly jobs: JobSettings;
  /** Reads what is older than messages get. */
  readonly jobCodec: Codec;
}

/** A message that is encrypted can be read for so many seconds longer than it may wait. */
const encryptionGrace = 10;

/**
 * @param settings are those that all layers have.
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function readCoreOptions(
  options: RedisChannelLayerOptions,
  { expiry, groupExpiry, maxMessageSize }: Pick<LayerSettings, "expiry" | "groupExpiry" | "maxMessageSize">,
): CoreSettings {
  const { prefix = "asgi", aggregate = true, lease = 30, randomPrefixLength = 12 } = options;
  if (typeof prefix !== "string" || prefix === "" || !prefix.isWellFormed()) {
    throw invalid("prefix can't stand before a key", "a string that is not empty", prefix);
  }
  if (typeof aggregate !== "boolean") throw invalid("aggregate is no switch", "true or false", aggregate);
  if (typeof lease !== "number" || !Number.isFinite(lease) || lease <= 0) {
    throw invalid("lease is no time", "seconds, as a finite number above 0", lease);
  }
  const { serializer, symmetricEncryptionKeys } = options;
  const wire = { serializer, symmetricEncryptionKeys, randomPrefixLength, maxMessageSize };
  return {
    endpoints: readServers(options.hosts),
    connection: readConnectionOptions(options),
    codec: createCodec({ ...wire, ttl: expiry / 1000 + encryptionGrace }),
    prefix,
    aggregate,
    lease: Math.min(lease * 1000, groupExpiry),
    jobs: readJobOptions(options),
    jobCodec: createCodec(wire),
  };
}

function readServers(hosts: RedisHosts | undefined): readonly Endpoint[] {
  const endpoints = readHosts(hosts);
  if (endpoints.every(({ kind }) => kind !== "cluster")) return endpoints;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: "RedisChannelLayer can't use a Redis Cluster, whose commands may not name keys of several nodes",
    wanted: "hosts that are servers, or masters that sentinels know",
    remedy: "Use RedisPubSubChannelLayer",
  });
}

function invalid(happened: string, wanted: string, got: unknown): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened, wanted, got });
}
