export { channelLayerFromUrl } from "./layers/layer-url.ts";
export { RedisChannelLayer, type RedisChannelLayerStats } from "./layers/redis.ts";
export type { RedisChannelLayerOptions } from "./layers/core-options.ts";
export { RedisPubSubChannelLayer, type RedisPubSubChannelLayerStats } from "./layers/redis-pubsub.ts";
export type { RedisPubSubChannelLayerOptions } from "./layers/pubsub-options.ts";
export type { RedisConnectionOptions } from "./redis/options.ts";
export type {
  RedisCluster,
  RedisHost,
  RedisHosts,
  RedisLogin,
  RedisNode,
  RedisSentinels,
  RedisServer,
} from "./redis/hosts.ts";
