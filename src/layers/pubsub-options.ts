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
 * Options of {@link RedisPubSubChannelLayer}. Those that Python's layer has as well must be the same
 * on both sides: hosts and their order, prefix, keys and serializer.
 */
export interface RedisPubSubChannelLayerOptions extends ChannelLayerOptions, RedisConnectionOptions, JobOptions {
  /**
   * Channels and groups are spread over the hosts by their names. Pub/sub has no databases: only
   * the prefix keeps two sites apart. @default [redis://localhost:6379]
   */
  readonly hosts?: RedisHosts;
  /**
   * Stands before the name of each channel and group. It has at most 40 ASCII letters, digits,
   * hyphens, underscores and periods. @default "asgi"
   */
  readonly prefix?: string;
  /** The first encrypts, all decrypt. channels_redis 4.0 has no encryption on this layer. @default [] */
  readonly symmetricEncryptionKeys?: CodecOptions["symmetricEncryptionKeys"];
  /** `"json"` carries no bytes, and Python's side must know it: channels_redis 4.0 does not. @default "msgpack" */
  readonly serializer?: CodecOptions["serializer"];
  /**
   * Sharded pub/sub, for hosts that are clusters of Redis 7 or later: a message goes through the
   * nodes of one shard alone, not through all of the cluster. Python's layer does not know it, and
   * neither do processes without this option: they share no groups and no channels. @default false
   */
  readonly shardedPubSub?: boolean;
}

/** The names of the options that the layer takes beside those that all layers take. */
export const pubSubOptionNames: readonly string[] = [
  "hosts",
  "prefix",
  "symmetricEncryptionKeys",
  "serializer",
  "shardedPubSub",
  ...jobOptionNames,
  ...connectionOptionNames,
];

/** The layer's own options, checked, with their defaults. */
export interface PubSubSettings {
  readonly endpoints: readonly Endpoint[];
  readonly connection: ConnectionSettings;
  readonly codec: Codec;
  readonly prefix: string;
  readonly isSharded: boolean;
  readonly jobs: JobSettings;
}

/**
 * @param settings are those that all layers have.
 * @throws MillraceError `ERR_INVALID_OPTION`.
 */
export function readPubSubOptions(
  options: RedisPubSubChannelLayerOptions,
  { maxMessageSize }: Pick<LayerSettings, "maxMessageSize">,
): PubSubSettings {
  const { prefix = "asgi", serializer, symmetricEncryptionKeys } = options;
  if (typeof prefix !== "string" || !/^[a-zA-Z0-9\-_.]{0,40}$/.test(prefix)) {
    throw new MillraceError("ERR_INVALID_OPTION", {
      happened: "prefix can't stand before channels' names",
      got: prefix,
      wanted: "at most 40 ASCII letters, digits, hyphens, underscores and periods",
    });
  }
  const endpoints = readHosts(options.hosts);
  return {
    endpoints,
    connection: readConnectionOptions(options),
    codec: createCodec({ serializer, symmetricEncryptionKeys, maxMessageSize }),
    prefix,
    isSharded: readSharded(options.shardedPubSub ?? false, endpoints),
    jobs: readJobOptions(options),
  };
}

function readSharded(isSharded: unknown, endpoints: readonly Endpoint[]): boolean {
  if (typeof isSharded === "boolean" && (!isSharded || endpoints.every(({ kind }) => kind === "cluster"))) {
    return isSharded;
  }
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: "shardedPubSub can't be used",
    got: isSharded,
    wanted: "true where all hosts are clusters, or false",
    remedy: 'Name the cluster as hosts: [{ cluster: [{ host: "10.0.0.1" }] }]',
  });
}
