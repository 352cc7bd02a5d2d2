import type { ServerFacts, ServerQuestions } from "../redis/server-facts.ts";
import { type Examined, type Finding, isCore } from "./finding.ts";

/** Commands as the layer sends them, for Redis to say whether the user may. */
export function neededRights(examined: Examined): ServerQuestions["rights"] {
  const { prefix } = examined;
  const jobs = `${prefix}:worker:{doctor}`;
  const forJobs: ServerQuestions["rights"] = [
    ["EVALSHA", "0", "1", jobs],
    ["EVAL", "return 0", "1", jobs],
    ["EXISTS", jobs],
    ["XADD", jobs, "*", "m", ""],
  ];
  return [...(isCore(examined) ? forCore(prefix) : forPubSub(prefix)), ...forJobs];
}

function forPubSub(prefix: string): ServerQuestions["rights"] {
  const group = `${prefix}__group__doctor`;
  return [
    ["PUBLISH", group, ""],
    ["SUBSCRIBE", group],
    ["UNSUBSCRIBE", group],
    ["PSUBSCRIBE", `${prefix}specific.doctor*`],
    ["PUNSUBSCRIBE", `${prefix}specific.doctor*`],
  ];
}

function forCore(prefix: string): ServerQuestions["rights"] {
  const group = `${prefix}:group:doctor`;
  const queue = `${prefix}specific.doctor!`;
  return [
    ["TIME"],
    ["ZADD", group, "0", "doctor"],
    ["ZREM", group, "doctor"],
    ["ZRANGE", group, "0", "-1"],
    ["ZREMRANGEBYSCORE", group, "0", "0"],
    ["EXPIRE", group, "1"],
    ["ZADD", queue, "0", ""],
    ["ZCOUNT", queue, "-inf", "+inf"],
    ["ZPOPMIN", queue, "1"],
    ["BZPOPMIN", queue, "1"],
    ["DEL", queue],
  ];
}

/** Whether the user may do what the layer does. */
export function checkRights({ refusals }: ServerFacts): Finding {
  const check = "rights";
  if (refusals === undefined) {
    const text = "could not be asked; the message below tries the most important ones";
    return { check, level: "unknown", text };
  }
  if (refusals.length === 0) return { check, level: "ok", text: "the user may do what the layer does" };
  return {
    check,
    level: "error",
    text: refusals.map((refusal) => refusal.replace(/\.$/, "")).join("; "),
    remedy:
      "Allow it by ACL SETUSER: commands by +name, keys by ~prefix*, channels by &* (a glob subscription needs them all)",
  };
}
