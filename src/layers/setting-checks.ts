import type { ServerFacts } from "../redis/server-facts.ts";
import { type Examined, type Finding, isCore } from "./finding.ts";

/** The settings that the checks look at. */
export const checkedSettings: readonly string[] = [
  "maxmemory-policy",
  "client-output-buffer-limit",
  "timeout",
  "tcp-keepalive",
  "save",
  "stop-writes-on-bgsave-error",
  "min-replicas-to-write",
];

/** What a server's settings, and what follows from them, would do to a layer. */
export function checkSettings(facts: ServerFacts, examined: Examined): readonly Finding[] {
  const checks = [checkEviction, checkMemory, checkOutputBuffer, checkTimeout, checkKeepalive, checkPersistence];
  const findings = checks.map((check) => check(facts, examined));
  return examined.via === "sentinel" ? [...findings, checkReplicas(facts)] : findings;
}

/** Redis does not tell a setting, as managed ones do. */
function unasked(check: string): Finding {
  return { check, level: "unknown", text: "could not be asked: look at it where Redis is configured" };
}

function checkEviction({ config, info }: ServerFacts, examined: Examined): Finding {
  const check = "maxmemory-policy";
  const policy = config.get(check) ?? info.get("maxmemory_policy");
  if (policy === undefined) return unasked(check);
  if (policy === "noeviction") return { check, level: "ok", text: policy };
  const remedy = "Set it to noeviction, and keep caches in a Redis of their own";
  if (!isCore(examined)) {
    return { check, level: "warning", text: `${policy}: jobs of workers may vanish when Redis is full`, remedy };
  }
  if (info.get("maxmemory") === "0") {
    return { check, level: "warning", text: `${policy}: it evicts as soon as maxmemory is set`, remedy };
  }
  const text = `${policy}: when Redis is full, groups and queues vanish, and nobody is told`;
  return { check, level: "error", text, remedy };
}

function checkMemory({ info }: ServerFacts, examined: Examined): Finding {
  const check = "memory";
  const [used, most] = [Number(info.get("used_memory")), Number(info.get("maxmemory"))];
  if (Number.isNaN(used) || Number.isNaN(most)) return unasked(check);
  if (most === 0) return { check, level: "ok", text: `${megabytes(used)} used, without a limit` };
  const share = `${megabytes(used)} of ${megabytes(most)} used`;
  if (used < most * 0.9) return { check, level: "ok", text: share };
  const remedy = "Raise maxmemory, or find what fills Redis";
  if (used < most) return { check, level: "warning", text: `${share}: nearly full`, remedy };
  // A full Redis takes PUBLISH, and refuses what it would have to keep.
  const level = isCore(examined) ? "error" : "warning";
  return { check, level, text: `${share}: what has to be kept is refused or evicted`, remedy };
}

/** What a subscriber has not read may be at least as much as one message has at most. */
const leastBuffer = 1024 ** 2;
const usualBuffer = 32 * 1024 ** 2;
const usualSoftBuffer = 8 * 1024 ** 2;

function checkOutputBuffer({ config }: ServerFacts, examined: Examined): Finding {
  const check = "client-output-buffer-limit pubsub";
  const [, hardText, softText, seconds] =
    /pubsub (\d+) (\d+) (\d+)/.exec(config.get("client-output-buffer-limit") ?? "") ?? [];
  if (hardText === undefined) return unasked(check);
  const [hard, soft] = [Number(hardText), Number(softText)];
  const text = `${bound(hard)}, ${bound(soft)} for ${seconds} s`;
  if (isCore(examined) || !(isBelow(hard, usualBuffer) || isBelow(soft, usualSoftBuffer))) {
    return { check, level: "ok", text };
  }
  return {
    check,
    level: isBelow(hard, leastBuffer) || isBelow(soft, leastBuffer) ? "error" : "warning",
    text: `${text}: a process that reads too slowly is cut off, and misses messages until it is back`,
    remedy: "Set it to pubsub 32mb 8mb 60, the default, or more",
  };
}

/** The layers ask each connection every two seconds whether it lives. */
const leastTimeout = 10;

function checkTimeout({ config }: ServerFacts): Finding {
  const check = "timeout";
  const value = config.get(check);
  if (value === undefined) return unasked(check);
  const seconds = Number(value);
  if (seconds === 0) return { check, level: "ok", text: "0: idle connections stay" };
  if (seconds > leastTimeout)
    return { check, level: "ok", text: `${seconds} s, and connections are never idle for long` };
  return { check, level: "warning", text: `${seconds} s: idle connections are cut`, remedy: "Set it to 0" };
}

function checkKeepalive({ config }: ServerFacts): Finding {
  const check = "tcp-keepalive";
  const value = config.get(check);
  if (value === undefined) return unasked(check);
  if (value !== "0") return { check, level: "ok", text: `${value} s` };
  return { check, level: "warning", text: "0: Redis does not notice dead processes", remedy: "Set it to 300" };
}

function checkPersistence({ config, info }: ServerFacts, examined: Examined): Finding {
  const check = "persistence";
  const level = isCore(examined) ? "error" : "warning";
  const remedy = "Make room on its disk, or look at its log";
  if (info.get("loading") === "1") {
    return {
      check,
      level: "error",
      text: "Redis is reading its data, and serves nobody",
      remedy: "Wait until it is ready",
    };
  }
  if (info.get("aof_last_write_status") === "err") {
    return { check, level, text: "the last write of the append-only file failed: writes are refused", remedy };
  }
  const bgsave = info.get("rdb_last_bgsave_status");
  if (bgsave === undefined) return unasked(check);
  if (bgsave === "ok") return { check, level: "ok", text: "the last save succeeded, or there was none" };
  if (config.get("stop-writes-on-bgsave-error") === "no" || config.get("save") === "") {
    return { check, level: "warning", text: "the last save failed; writes go on", remedy };
  }
  return {
    check,
    level,
    text: "the last save failed: writes are refused with MISCONF",
    remedy,
  };
}

function checkReplicas({ config }: ServerFacts): Finding {
  const check = "min-replicas-to-write";
  const value = config.get(check);
  if (value === undefined) return unasked(check);
  if (value !== "0") return { check, level: "ok", text: value };
  return {
    check,
    level: "warning",
    text: "0: a master that was cut off from its replicas goes on taking what is sent to it",
    remedy: "Set it to 1, with min-replicas-max-lag of a few seconds",
  };
}

/** Whether a limit, of which 0 is none, is lower than it should be. */
function isBelow(limit: number, least: number): boolean {
  return limit !== 0 && limit < least;
}

function bound(bytes: number): string {
  return bytes === 0 ? "no limit" : megabytes(bytes);
}

function megabytes(bytes: number): string {
  const size = bytes / 1024 ** 2;
  return `${size < 10 ? Number(size.toFixed(1)) : Math.round(size)} MiB`;
}
