import type { ConnectionOptions as TlsOptions } from "node:tls";

/** How to log in to Redis, and where in it. */
export interface RedisLogin {
  /** The ACL user. @default the user `default` */
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. Pub/sub ignores it. @default 0 */
  readonly db?: number;
  /** TLS, by `true` or by the options of `node:tls`. */
  readonly tls?: boolean | TlsOptions;
}

/** One Redis server, by its address or by the path of its Unix socket. */
export interface RedisServer extends RedisLogin {
  /** @default "localhost" */
  readonly host?: string;
  /** @default 6379 */
  readonly port?: number;
  readonly path?: string;
}

/** Where a sentinel, or a node of a cluster, listens. */
export interface RedisNode {
  readonly host: string;
  /** @default 26379 for a sentinel, 6379 for a node of a cluster */
  readonly port?: number;
}

/** A master that sentinels know by name. The login is that of the master. */
export interface RedisSentinels extends RedisLogin {
  readonly sentinels: readonly RedisNode[];
  /** The name that the sentinels have for the master. */
  readonly name: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** TLS to the sentinels. */
  readonly sentinelTls?: boolean | TlsOptions;
}

/** A Redis Cluster, by some of its nodes; the others are found. It has no databases. */
export interface RedisCluster extends Omit<RedisLogin, "db"> {
  readonly cluster: readonly RedisNode[];
}

/** One Redis: a URL (`redis://`, `rediss://`, `unix://` or the path of a socket) or its parts. */
export type RedisHost = string | RedisServer | RedisSentinels | RedisCluster;

/** Where Redis is. More than one host make a ring, over which channels and groups are spread by their names. */
export type RedisHosts = readonly RedisHost[];
