import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { DirectEndpoint } from "./endpoint.ts";
import type { ConnectionSettings } from "./options.ts";

/** What a connection is for, and how it differs from others. */
export interface ConnectionPurpose {
  /** What the connection is called in Redis' list of clients. */
  readonly name: string;
  /** How long it may owe an answer and send nothing, in milliseconds, before it is dropped. */
  readonly answerTimeout: number;
  /** Whoever makes it drops it by himself; ioredis would take what arrived while the process stood still for silence. */
  readonly watched?: boolean;
  /** Its channels are those of sharded pub/sub. */
  readonly sharded?: boolean;
}

/** How long a connection waits for the server to close it as well, in milliseconds. */
export const disconnectTimeout = 100;

/**
 * Makes a client of ioredis with one life: it does not connect before it is told to, nor again, and
 * does nothing behind anybody's back.
 */
export function makeClient(
  endpoint: DirectEndpoint,
  settings: ConnectionSettings,
  purpose: ConnectionPurpose,
): Redis | Cluster {
  const shared = sharedOptions(endpoint, settings, purpose);
  if (endpoint.kind === "cluster") return makeCluster(endpoint.nodes, shared, purpose);
  const { host, port, path, db } = endpoint;
  return new Redis({
    ...shared,
    ...(path === undefined ? { host, port } : { path }),
    db,
    ...(purpose.watched === true ? {} : { socketTimeout: purpose.answerTimeout }),
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
  });
}

function sharedOptions(endpoint: DirectEndpoint, settings: ConnectionSettings, purpose: ConnectionPurpose) {
  return {
    username: endpoint.username,
    password: endpoint.password,
    tls: endpoint.tls,
    connectionName: purpose.name,
    disableClientInfo: true,
    connectTimeout: settings.connectTimeout,
    disconnectTimeout,
    // The connection looks for itself, because ioredis prints a warning where the user may not ask.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  } satisfies RedisOptions;
}

function makeCluster(
  nodes: ReadonlyArray<{ readonly host: string; readonly port: number }>,
  shared: ReturnType<typeof sharedOptions>,
  { answerTimeout }: ConnectionPurpose,
): Cluster {
  return new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      clusterRetryStrategy: null,
      // A node is connected to by the first command for it, and those that follow wait for that.
      enableOfflineQueue: true,
      // A command whose node was lost may have been carried out, and is not sent to another one.
      retryDelayOnFailover: 0,
      // Its connections are not at hand, to be watched as others are.
      redisOptions: { ...shared, socketTimeout: answerTimeout },
    },
  );
}
