import type { RedisCluster } from "../../src/redis/hosts.ts";
import { freePort } from "./free-port.ts";
import { until } from "./redis-sentinel.ts";
import { disposeAll, RedisServer } from "./redis-server.ts";

const slots = 16_384;
const masterCount = 3;

/** A Redis Cluster of three masters with a replica each. */
export class RedisClusterServers implements AsyncDisposable {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.masters = servers.slice(0, masterCount);
    this.replicas = servers.slice(masterCount);
  }

  static async start(): Promise<RedisClusterServers> {
    const servers: RedisServer[] = [];
    try {
      while (servers.length < 2 * masterCount) servers.push(await startNode());
      const cluster = new RedisClusterServers(servers);
      await cluster.#join();
      return cluster;
    } catch (error) {
      await disposeAll(servers);
      throw error;
    }
  }

  /** The host to give to a layer: it names one node, from which the others are found. */
  get host(): RedisCluster {
    return { cluster: this.masters.slice(0, 1).map(({ host, port }) => ({ host, port })) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.masters, ...this.replicas]);
  }

  async #join(): Promise<void> {
    const all = [...this.masters, ...this.replicas];
    const share = Math.ceil(slots / masterCount);
    for (const [index, master] of this.masters.entries()) {
      const last = Math.min(slots, (index + 1) * share) - 1;
      await master.command("CLUSTER", "ADDSLOTSRANGE", index * share, last);
      await master.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    }
    for (const server of all.slice(1)) {
      for (const other of all) {
        if (other === server) break;
        await server.command("CLUSTER", "MEET", other.host, other.port, busPorts.get(other) ?? 0);
      }
    }
    await until(async () => (await counts(all)).every((count) => count === all.length));
    for (const [index, replica] of this.replicas.entries()) {
      const id = await this.masters[index]?.command("CLUSTER", "MYID");
      await replica.command("CLUSTER", "REPLICATE", String(id));
    }
    await until(async () => (await Promise.all(all.map(isReady))).every(Boolean));
  }
}

export function startCluster(): Promise<RedisClusterServers> {
  return RedisClusterServers.start();
}

const busPorts = new WeakMap<RedisServer, number>();

async function startNode(): Promise<RedisServer> {
  const busPort = await freePort();
  const server = await RedisServer.start({
    config: [
      "cluster-enabled yes",
      "cluster-node-timeout 1000",
      "cluster-replica-validity-factor 0",
      "repl-ping-replica-period 1",
      `cluster-port ${busPort}`,
    ],
  });
  busPorts.set(server, busPort);
  return server;
}

function counts(servers: readonly RedisServer[]): Promise<readonly number[]> {
  return Promise.all(
    servers.map(
      async (server) =>
        String(await server.command("CLUSTER", "NODES"))
          .trim()
          .split("\n").length,
    ),
  );
}

/** A node is ready when it finds the cluster well and, where it is a replica, is in step with its master. */
async function isReady(server: RedisServer): Promise<boolean> {
  const info = String(await server.command("CLUSTER", "INFO"));
  const replication = String(await server.command("INFO", "replication"));
  if (!info.includes("cluster_state:ok") || !info.includes(`cluster_slots_ok:${slots}`)) return false;
  return replication.includes("role:master")
    ? replication.includes("connected_slaves:1")
    : replication.includes("master_link_status:up");
}
