import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { RedisPubSubChannelLayer } from "millrace/redis";
import { slotOf } from "../../../src/redis/slot-map.ts";
import { heard } from "../../support/heard.ts";
import { type RedisClusterServers, startCluster } from "../../support/redis-cluster.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { noUnhandledRejections } from "../../support/unhandled.ts";
import { until } from "./pubsub-site.ts";

noUnhandledRejections();

const degraded = heard("millrace:layer:degraded");
const recovered = heard("millrace:layer:recovered");

let cluster: RedisClusterServers;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

const quick = { probeInterval: 0.1, probeTimeout: 0.5, connectTimeout: 1, retryDelay: 0.01, maxRetryDelay: 0.1 };
const groups = Array.from({ length: 12 }, (_, index) => `room.${index}`);

/** A message that was sent, when, and how that ended. */
interface Sent {
  readonly id: number;
  readonly began: number;
  ended: number;
  refused: boolean;
}

let made = 0;

/** A process with a member in each group, and another that sends to them all the time. */
class Traffic implements AsyncDisposable {
  readonly prefix = `faults${made++}.`;
  readonly sent: Sent[] = [];
  readonly #arrived = new Map<number, number>();
  readonly #receiver = this.#layer();
  readonly #sender = this.#layer();
  #stopped = false;
  #running: Promise<void> | undefined;

  static async start(): Promise<Traffic> {
    const traffic = new Traffic();
    for (const group of groups) await traffic.#join(group);
    traffic.#running = traffic.#run();
    return traffic;
  }

  topicOf(group: string): string {
    return `${this.prefix}__group__${group}`;
  }

  /** Settles when each group is reached again, by one process and once. */
  async flows(): Promise<void> {
    for (const group of groups) {
      await until(async () => {
        const before = this.#arrived.size;
        return (await this.#send(group)) === 1 && this.#arrived.size > before;
      });
    }
  }

  /** Stops, and gives the ids of messages that nothing explains: neither arrival, nor a refusal, nor a gap that was told. */
  async unexplained(): Promise<{ readonly lost: readonly number[]; readonly twice: readonly number[] }> {
    this.#stopped = true;
    await this.#running;
    // On every connection what was sent before arrives before.
    await this.flows();
    const told = ({ began, ended }: Sent): boolean =>
      recovered.some(({ since, until: end }) => since <= ended && began <= end);
    const lost = this.sent.filter((one) => !this.#arrived.has(one.id) && !one.refused && !told(one));
    const twice = [...this.#arrived].filter(([, times]) => times > 1);
    return { lost: lost.map(({ id }) => id), twice: twice.map(([id]) => id) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all([this.#receiver.close(), this.#sender.close()]);
  }

  #layer(): RedisPubSubChannelLayer {
    const options = { ...quick, prefix: this.prefix, capacity: 100_000, shardedPubSub: true };
    return new RedisPubSubChannelLayer({
      hosts: [cluster.host],
      ...options,
    });
  }

  async #join(group: string): Promise<void> {
    const { name } = await this.#receiver.newChannel((message) => {
      const id = Number(message["id"]);
      if (message.type === "test.message") this.#arrived.set(id, (this.#arrived.get(id) ?? 0) + 1);
    });
    await this.#receiver.groupAdd(group, name);
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      void this.#send(groups[turn % groups.length] ?? "");
      await pause(2);
    }
  }

  /** How many processes Redis handed a message to; 0 where it was refused. */
  async #send(group: string): Promise<number> {
    const one: Sent = { id: this.sent.length, began: Date.now(), ended: Infinity, refused: false };
    this.sent.push(one);
    try {
      return (await this.#sender.groupSend(group, { type: "test.message", id: one.id })).processes;
    } catch {
      one.refused = true;
      return 0;
    } finally {
      one.ended = Date.now();
    }
  }
}

/** The server that is master of a topic's slot, as the others see it. */
async function masterOf(topic: string): Promise<RedisServer> {
  const all = [...cluster.masters, ...cluster.replicas];
  for (const server of all) {
    const nodes = await server.command("CLUSTER", "SLOTS").catch(() => []);
    for (const [first, last, [, port]] of nodes as Array<[number, number, [string, number]]>) {
      const slot = slotOf(topic);
      const found = all.find((one) => one.port === port);
      if (first <= slot && slot <= last && found !== undefined) return found;
    }
  }
  throw new Error("Nobody has the slot");
}

/** Waits until all nodes find the cluster well, and each master has its replica. */
async function settled(): Promise<void> {
  const all = [...cluster.masters, ...cluster.replicas];
  for (const server of all) {
    await until(async () => {
      const [info, role] = [await server.command("CLUSTER", "INFO"), (await server.command("ROLE")) as unknown[]];
      const attached = role[0] === "master" ? (role[2] as unknown[]).length === 1 : role[3] === "connected";
      return attached && String(info).includes("cluster_state:ok");
    });
  }
}

async function moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
  const ids = [String(await from.command("CLUSTER", "MYID")), String(await to.command("CLUSTER", "MYID"))] as const;
  await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0]);
  await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1]);
  for (const server of [to, from]) await server.command("CLUSTER", "SETSLOT", slot, "NODE", ids[1]);
}

/** Whether a server has a subscription to a topic. */
async function isSubscribed(server: RedisServer, topic: string): Promise<boolean> {
  const [, count] = (await server.command("PUBSUB", "SHARDNUMSUB", topic)) as [string, number];
  return count > 0;
}

describe("RedisPubSubChannelLayer with sharded pub/sub accounts for every message", () => {
  test("when a slot goes to another node, and comes back", async () => {
    await using traffic = await Traffic.start();
    await traffic.flows();
    const topic = traffic.topicOf("room.0");
    const home = await masterOf(topic);
    const other = cluster.masters.find((server) => server !== home) as RedisServer;
    for (const [from, to] of [
      [home, other],
      [other, home],
    ] as const) {
      const gaps = recovered.length;
      await moveSlot(slotOf(topic), from, to);
      await until(() => recovered.length > gaps);
      expect([await isSubscribed(to, topic), await isSubscribed(from, topic)]).toEqual([true, false]);
      await traffic.flows();
    }
    expect(degraded[0]?.reason).toContain(`The slot ${slotOf(topic)} has moved from`);
    expect(await traffic.unexplained()).toEqual({ lost: [], twice: [] });
  });

  test("when a slot goes away and comes back at once", async () => {
    await using traffic = await Traffic.start();
    await traffic.flows();
    const topic = traffic.topicOf("room.0");
    const home = await masterOf(topic);
    const other = cluster.masters.find((server) => server !== home) as RedisServer;
    await moveSlot(slotOf(topic), home, other);
    await moveSlot(slotOf(topic), other, home);
    await until(() => degraded.length > 0 && recovered.length === degraded.length);
    await traffic.flows();
    expect(await traffic.unexplained()).toEqual({ lost: [], twice: [] });
  });

  test("when a replica takes over in good order", async () => {
    await using traffic = await Traffic.start();
    await traffic.flows();
    const topic = traffic.topicOf("room.1");
    const home = await masterOf(topic);
    const id = String(await home.command("CLUSTER", "MYID"));
    const all = [...cluster.masters, ...cluster.replicas];
    const replicas = await Promise.all(
      all.map(async (server) =>
        String(await server.command("CLUSTER", "NODES")).match(new RegExp(`myself,slave ${id}`)),
      ),
    );
    const replica = all[replicas.findIndex((found) => found !== null)] as RedisServer;
    await replica.command("CLUSTER", "FAILOVER");
    await until(async () => ((await replica.command("ROLE")) as unknown[])[0] === "master");
    await until(async () => (await isSubscribed(replica, topic)) && !(await isSubscribed(home, topic)));
    await traffic.flows();
    expect(await traffic.unexplained()).toEqual({ lost: [], twice: [] });
    await settled();
  });

  test("when a master is killed", async () => {
    await using traffic = await Traffic.start();
    await traffic.flows();
    const home = await masterOf(traffic.topicOf("room.2"));
    await home.kill();
    await until(() => recovered.length > 0);
    await traffic.flows();
    expect(await masterOf(traffic.topicOf("room.2"))).not.toBe(home);
    expect(await traffic.unexplained()).toEqual({ lost: [], twice: [] });
    await home.start();
    await settled();
  });

  test("when a master is frozen, and thaws when another has its place", async () => {
    await using traffic = await Traffic.start();
    await traffic.flows();
    const topic = traffic.topicOf("room.3");
    const home = await masterOf(topic);
    home.freeze();
    await until(() => recovered.length > 0);
    await traffic.flows();
    home.thaw();
    await settled();
    await until(async () => !(await isSubscribed(home, topic)));
    await traffic.flows();
    expect(await traffic.unexplained()).toEqual({ lost: [], twice: [] });
  });
});
