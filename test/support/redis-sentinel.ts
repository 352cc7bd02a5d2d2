import { setTimeout as pause } from "node:timers/promises";
import type { RedisSentinels } from "../../src/redis/hosts.ts";
import { disposeAll, RedisServer } from "./redis-server.ts";

/** What a server says of itself. */
export interface ServerIdentity {
  readonly role: string;
  readonly runId: string;
  readonly port: number;
}

const masterName = "mymaster";
const password = "secret";

/** Sentinels have a login of their own, so that they can be shut out while clients are not. */
const guarded = {
  config: [`requirepass ${password}`, `masterauth ${password}`, "user sentinels on >watch ~* &* +@all"],
  login: { password },
};

/** A master, a replica, and three sentinels that watch them and agree within two seconds. */
export class SentinelSet implements AsyncDisposable {
  readonly name = masterName;
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start(): Promise<SentinelSet> {
    const servers: RedisServer[] = [];
    const sentinels: RedisServer[] = [];
    const set = new SentinelSet(servers, sentinels);
    try {
      const master = await RedisServer.start(guarded);
      servers.push(master);
      const config = [...guarded.config, `replicaof ${master.host} ${master.port}`];
      const replica = await RedisServer.start({ ...guarded, config });
      servers.push(replica);
      await until(async () => String(await replica.command("INFO", "replication")).includes("master_link_status:up"));
      while (sentinels.length < 3) sentinels.push(await startSentinel(master));
      await until(async () => (await set.#views()).every(({ replicas, others }) => replicas === 1 && others === 2));
    } catch (error) {
      await set[Symbol.asyncDispose]();
      throw error;
    }
    return set;
  }

  /** The host to give to a layer. */
  get host(): RedisSentinels {
    return { name: this.name, password, sentinels: this.sentinels.map(({ host, port }) => ({ host, port })) };
  }

  /** The server that the sentinels say is the master. */
  async master(): Promise<RedisServer> {
    const [{ port } = { port: 0 }] = await this.#views();
    const master = this.servers.find((server) => server.port === port);
    if (master === undefined) throw new Error(`No server listens on ${port}`);
    return master;
  }

  /**
   * Makes the replica the master, by the sentinels' command, or by what is done to the master. It
   * settles when all sentinels agree and the new master knows; it prints who was and who is master.
   */
  async failover(
    cause: (master: RedisServer) => unknown = () => this.#command(),
  ): Promise<{ readonly before: ServerIdentity; readonly after: ServerIdentity }> {
    const old = await this.master();
    await until(async () =>
      /connected_slaves:1\b.*state=online/s.test(String(await old.command("INFO", "replication"))),
    );
    const before = await identify(old);
    process.stdout.write(`before failover: ${shown(before)}\n`);
    await cause(old);
    const next = this.servers.find((server) => server !== old);
    if (next === undefined) throw new Error("There is no replica");
    await until(async () => (await this.#views()).every(({ port }) => port === next.port));
    await until(() => hasRole(next, "master"));
    const after = await identify(next);
    process.stdout.write(`after failover: ${shown(after)}\n`);
    return { before, after };
  }

  /** Shuts the sentinels out of a server, as if the net were torn between it and them. Clients reach it as before. */
  async tear(server: RedisServer): Promise<void> {
    await server.command("ACL", "SETUSER", "sentinels", "off");
    await server.command("CLIENT", "KILL", "USER", "sentinels");
  }

  /** Undoes {@link tear}; settles when the sentinels have made the server a replica of the master. */
  async mend(server: RedisServer): Promise<void> {
    await server.command("ACL", "SETUSER", "sentinels", "on");
    // So that the sentinels log in again at once.
    await server.command("CLIENT", "KILL", "USER", "default", "SKIPME", "yes");
    await until(() => hasRole(server, "slave"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll([...this.sentinels, ...this.servers]);
  }

  /** A sentinel refuses while it is not done with the failover before. */
  #command(): Promise<void> {
    const command = this.sentinels[0]?.command.bind(this.sentinels[0]);
    return until(async () => {
      try {
        return (await command?.("SENTINEL", "FAILOVER", this.name)) === "OK";
      } catch {
        return false;
      }
    });
  }

  #views(): Promise<ReadonlyArray<{ port: number; replicas: number; others: number }>> {
    return Promise.all(
      this.sentinels.map(async (sentinel) => {
        const fields = pairs(await sentinel.command("SENTINEL", "MASTER", this.name));
        const number = (name: string): number => Number(fields.get(name));
        return { port: number("port"), replicas: number("num-slaves"), others: number("num-other-sentinels") };
      }),
    );
  }
}

export function startSentinelSet(): Promise<SentinelSet> {
  return SentinelSet.start();
}

async function startSentinel(master: RedisServer): Promise<RedisServer> {
  const sentinel = await RedisServer.start({
    program: "redis-sentinel",
    config: [
      `sentinel monitor ${masterName} ${master.host} ${master.port} 2`,
      `sentinel auth-user ${masterName} sentinels`,
      `sentinel auth-pass ${masterName} watch`,
      `sentinel down-after-milliseconds ${masterName} 1200`,
      `sentinel failover-timeout ${masterName} 1000`,
    ],
  });
  const periods = ["info-period", "500", "ping-period", "100", "publish-period", "200", "ask-period", "100"];
  await sentinel.command("SENTINEL", "DEBUG", ...periods);
  return sentinel;
}

/** The role, run id and port of a server. */
export async function identify(server: RedisServer): Promise<ServerIdentity> {
  const role = (await server.command("ROLE")) as readonly unknown[];
  const runId = /run_id:(\w+)/.exec(String(await server.command("INFO", "server")))?.[1] ?? "";
  return { role: String(role[0]), runId, port: server.port };
}

/** Whether a server has a role by now; while it changes it, it cuts off those who ask. */
export function hasRole(server: RedisServer, role: string): Promise<boolean> {
  return identify(server).then(
    (identity) => identity.role === role,
    () => false,
  );
}

function shown({ role, runId, port }: ServerIdentity): string {
  return `ROLE ${role}, run id ${runId}, port ${port}`;
}

function pairs(list: unknown): ReadonlyMap<string, string> {
  const items = list as readonly string[];
  return new Map(items.flatMap((name, at) => (at % 2 === 0 ? [[name, items[at + 1] ?? ""]] : [])));
}

/** Asks again and again until the answer is yes; not for ever, so that a test that fails ends. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`It has not come true in 30 seconds: ${String(isSo)}`);
    await pause(20);
  }
}
