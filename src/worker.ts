import type { ApplicationLike } from "./protocol/application.ts";
import type { WorkerOptions } from "./worker/options.ts";
import { type MillraceWorker, startWorker } from "./worker/worker.ts";

export { currentJob, type CurrentJob } from "./worker/current-job.ts";
export type { Job, JobState } from "./worker/job.ts";
export { JobQueue } from "./worker/job-queue.ts";
export type { JobCounts } from "./worker/job-store.ts";
export type { WorkerOptions } from "./worker/options.ts";
export type { MillraceWorker } from "./worker/worker.ts";

/**
 * Starts a worker: it takes what is sent to some channels, and hands it to the applications that
 * the `ChannelNameRouter` has for them, each message at least once.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`, `ERR_INVALID_NAME`, `ERR_NO_CHANNEL_LAYER`,
 *   `ERR_INVALID_ROUTE`, `ERR_NO_ROUTE`, `ERR_LAYER_UNAVAILABLE`, `ERR_REDIS` or
 *   `ERR_STARTUP_FAILED`; then nothing is left running.
 * @example
 * ```ts
 * const worker = await runWorker(application, { layers: { default: layer }, channels: ["thumbnails"] });
 * process.once("SIGTERM", () => worker.close());
 * ```
 */
export function runWorker(application: ApplicationLike, options: WorkerOptions): Promise<MillraceWorker> {
  return startWorker(application, options);
}
