import type { ServerFacts } from "../redis/server-facts.ts";
import { type Examined, type Finding, isCore } from "./finding.ts";

/** The oldest Redis whose scripts may read its clock and write. */
const oldestVersion = 5;
/** From which version a cluster has pub/sub that stays within a shard. */
const shardedVersion = 7;

/** Whether a server is one that a layer can use at all. */
export function checkServer(facts: ServerFacts, examined: Examined): readonly Finding[] {
  return [checkVersion(facts), checkRole(facts), ...checkMode(facts, examined), checkClock(facts, examined)];
}

function checkVersion({ info }: ServerFacts): Finding {
  const check = "version";
  const version = info.get("redis_version");
  if (version === undefined) return { check, level: "unknown", text: "could not be asked" };
  if (Number.parseInt(version, 10) >= oldestVersion) return { check, level: "ok", text: version };
  const remedy = "Take Redis 7";
  return { check, level: "error", text: `${version} is older than ${oldestVersion}, and lacks commands`, remedy };
}

function checkRole({ info }: ServerFacts): Finding {
  const check = "role";
  const role = info.get("role");
  if (role === undefined) return { check, level: "unknown", text: "could not be asked: a replica would refuse writes" };
  if (role === "master") return { check, level: "ok", text: role };
  const master = `${info.get("master_host") ?? "?"}:${info.get("master_port") ?? "?"}`;
  return {
    check,
    level: "error",
    text: `a replica of ${master}: it refuses writes (READONLY), and what is published on it stays on it`,
    remedy: "Name the master, or its sentinels, in hosts",
  };
}

function checkMode({ info, clusterIsWell }: ServerFacts, examined: Examined): readonly Finding[] {
  const check = "mode";
  const mode = info.get("redis_mode");
  if (mode === undefined) return [{ check, level: "unknown", text: "could not be asked" }];
  if (mode === "sentinel") {
    const remedy = "Name the sentinels and their master in hosts";
    return [{ check, level: "error", text: "a sentinel: it carries no messages of others", remedy }];
  }
  if (mode !== "cluster") return [{ check, level: "ok", text: mode }];
  return [clusterMode(examined), clusterState(clusterIsWell), clusterPubSub(info)];
}

function clusterMode(examined: Examined): Finding {
  const check = "mode";
  if (isCore(examined)) {
    const text = "a cluster: the commands of this layer may not name keys of several nodes";
    return { check, level: "error", text, remedy: "Take redis+pubsub://…, or a Redis that is no cluster" };
  }
  if (examined.via === "cluster") return { check, level: "ok", text: "cluster" };
  const text =
    "a node of a cluster: commands for the slots of other nodes are refused, and its loss is the loss of all";
  return { check, level: "error", text, remedy: "Name the cluster in hosts: { cluster: [{ host, port }] }" };
}

function clusterState(isWell: boolean | undefined): Finding {
  const check = "cluster";
  if (isWell === undefined) return { check, level: "unknown", text: "its state could not be asked" };
  if (isWell) return { check, level: "ok", text: "all slots are served" };
  return { check, level: "error", text: "not all slots are served", remedy: "Look at CLUSTER INFO and CLUSTER NODES" };
}

function clusterPubSub(info: ServerFacts["info"]): Finding {
  const check = "sharded pub/sub";
  if (Number.parseInt(info.get("redis_version") ?? "0", 10) >= shardedVersion) {
    return { check, level: "ok", text: "there is" };
  }
  const text = "there is none before Redis 7: each message is copied to every node";
  return { check, level: "warning", text, remedy: "Take Redis 7" };
}

/** Encrypted messages of clocks further apart are refused, and messages that wait expire at once. */
const refusedSkew = 60_000;
const toleratedSkew = 2000;

function checkClock({ clock }: ServerFacts, examined: Examined): Finding {
  const check = "clock";
  if (clock === undefined) return { check, level: "unknown", text: "could not be asked" };
  const { ahead, uncertainty } = clock;
  const apart = Math.max(0, Math.abs(ahead) - uncertainty);
  const skew = `${(Math.abs(ahead) / 1000).toFixed(3)} s ${ahead < 0 ? "behind" : "ahead of"} this machine`;
  const difference = `${skew}, ± ${(uncertainty / 1000).toFixed(3)} s`;
  if (apart < toleratedSkew) return { check, level: "ok", text: difference };
  const remedy = "Let both machines keep time by NTP";
  if (!isCore(examined)) return { check, level: "warning", text: difference, remedy };
  if (apart < refusedSkew) {
    return {
      check,
      level: "warning",
      text: `${difference}: messages of Python's side expire too early or too late`,
      remedy,
    };
  }
  const text = `${difference}: messages of Python's side expire unread, and encrypted ones are refused`;
  return { check, level: "error", text, remedy };
}
