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
}

/** The names of the options that the layer takes beside those that all layers take. */
export const pubSubOptionNames: readonly string[] = [
  "hosts",
  "prefix",
  "symmetricEncryptionKeys",
  "serializer",
  ...jobOptionNames,
  ...connectionOptionNames,
];

/** The layer's own options, checked, with their defaults. */
export interface PubSubSettings {
  readonly endpoints: readonly Endpoint[];
  readonly connection: ConnectionSettings;
  readonly codec: Codec;
  readonly prefix: string;
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
  return {
    endpoints: readHosts(options.hosts),
    connection: readConnectionOptions(options),
    codec: createCodec({ serializer, symmetricEncryptionKeys, maxMessageSize }),
    prefix,
    jobs: readJobOptions(options),
  };
}
