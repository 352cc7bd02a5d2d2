import type { ChannelLayer, ChannelLayerOptions } from "../protocol/channel-layer.ts";
import { MillraceError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/suggestion.ts";
import { InMemoryChannelLayer } from "./in-memory.ts";
import { RedisChannelLayer } from "./redis.ts";
import { RedisPubSubChannelLayer } from "./redis-pubsub.ts";

const spelling = /^(?<server>memory|rediss?|unix)(?:\+(?<layer>pubsub|core))?:(?<rest>.*)$/s;
const numbers: ReadonlySet<string> = new Set(["expiry", "groupExpiry", "capacity", "maxMessageSize"]);
const texts: ReadonlySet<string> = new Set(["prefix", "serializer"]);

/**
 * Makes a channel layer of a URL, as `--layer` and `CHANNEL_LAYER_URL` have it:
 *
 * - `memory:` for one process;
 * - `redis+pubsub://…` for Redis' pub/sub, and `redis://…` as well, because it is the one to choose;
 * - `redis+core://…` for the format of Python's core layer.
 *
 * `rediss` is TLS, and `unix` a socket's path. Options of the layer are parameters: `prefix`,
 * `expiry`, `groupExpiry`, `capacity`, `maxMessageSize`, `serializer`.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`; it does not show the URL, which may hold a password.
 * @example
 * ```ts
 * const layer = channelLayerFromUrl("redis+core://localhost:6379/0?prefix=chat");
 * ```
 */
export function channelLayerFromUrl(url: string): ChannelLayer {
  const { server, layer, rest } = spelling.exec(url)?.groups ?? {};
  if (server === undefined || rest === undefined || (server === "memory" && layer !== undefined)) throw noLayer();
  const [place = "", query = ""] = rest.split("?", 2);
  const parameters = new URLSearchParams(query);
  const redis = server !== "memory";
  const options = takeOptions(parameters, redis);
  if (!redis) {
    if (place !== "") throw noLayer();
    return new InMemoryChannelLayer(options);
  }
  const host = [`${server}:${place}`, ...(parameters.size === 0 ? [] : [parameters.toString()])].join("?");
  const redisOptions = { ...options, hosts: [host] };
  return layer === "core" ? new RedisChannelLayer(redisOptions) : new RedisPubSubChannelLayer(redisOptions);
}

/** Takes the layer's options away from the parameters; what stays is the host's. */
function takeOptions(parameters: URLSearchParams, redis: boolean): ChannelLayerOptions {
  const options: Record<string, string | number> = {};
  for (const [name, value] of Array.from(parameters)) {
    if (numbers.has(name)) options[name] = value === "" ? Number.NaN : Number(value);
    else if (redis && texts.has(name)) options[name] = value;
    else if (!redis || name !== "db") throw unknownParameter(name, redis);
    else continue;
    parameters.delete(name);
  }
  return options;
}

function unknownParameter(name: string, redis: boolean): MillraceError {
  const known = redis ? [...numbers, ...texts, "db"] : [...numbers];
  return new MillraceError("ERR_INVALID_OPTION", {
    happened: `The URL of a channel layer has no parameter ${JSON.stringify(name)}${didYouMean(name, known)}`,
    wanted: known.join(", "),
  });
}

function noLayer(): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", {
    happened: "That is no URL of a channel layer",
    wanted: "memory:, redis://host:port/db, redis+pubsub://… or redis+core://…; rediss for TLS, unix for a socket",
  });
}
