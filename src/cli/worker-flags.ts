import type { Flag } from "./flag.ts";

const layerOfJobs = {
  name: "layer",
  kind: "text",
  placeholder: "<url>",
  summary: "The default channel layer, by which jobs come: redis://…, redis+pubsub://… or redis+core://….",
  environment: "CHANNEL_LAYER_URL",
} as const satisfies Flag;

/** The flags of `millrace worker`. */
export const workerFlags = [
  {
    name: "channels",
    short: "c",
    kind: "names",
    placeholder: "<names>",
    summary:
      "The channels to work off, with commas between them; those of which the module's routes tell, if not given.",
  },
  {
    name: "concurrency",
    kind: "count",
    placeholder: "<number>",
    summary: "How many jobs of each channel run at once in this process.",
    initial: "1",
  },
  layerOfJobs,
  {
    name: "max-attempts",
    kind: "count",
    placeholder: "<number>",
    summary: "How often a job is tried before it is set aside.",
    initial: "5",
  },
  {
    name: "retry-delay",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "After what time a job is tried again that failed for the first time; each next time is twice as long.",
    initial: "1",
  },
  {
    name: "lease",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "After what time the jobs of a worker that died are another's.",
    initial: "30",
  },
  {
    name: "shutdown-timeout",
    kind: "seconds",
    placeholder: "<seconds>",
    summary: "How long jobs may go on when the worker stops; then they are given back.",
    initial: "10",
  },
  { name: "quiet", short: "q", kind: "boolean", summary: "Print no banner." },
] as const satisfies readonly Flag[];

/** The flags of `millrace jobs`. */
export const jobsFlags = [
  layerOfJobs,
  {
    name: "list",
    kind: "state",
    placeholder: "<state>",
    summary: "The jobs to list: waiting, running, retrying or aside.",
    initial: "aside",
  },
  { name: "limit", kind: "count", placeholder: "<number>", summary: "How many to list at most.", initial: "20" },
  { name: "show", kind: "text", placeholder: "<id>", summary: "Print one job with its message." },
  {
    name: "requeue",
    kind: "text",
    placeholder: "<id>",
    summary: "Let a job that was set aside run again, or all of them.",
  },
  {
    name: "discard",
    kind: "text",
    placeholder: "<id>",
    summary: "Drop a job that is set aside or waits, or all that are set aside.",
  },
  {
    name: "purge",
    kind: "boolean",
    summary: "Drop all jobs, whatever their state, and forget that the channel has workers.",
  },
  { name: "json", kind: "boolean", summary: "Print JSON." },
] as const satisfies readonly Flag[];
