import type { JobSite } from "../layers/job-site.ts";
import type { AsideReason } from "../protocol/diagnostics.ts";
import { toError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";

/** Where a job stands: nobody has tried it yet, a worker has it, it will be tried again, or it waits for an operator. */
export type JobState = "waiting" | "running" | "retrying" | "aside";

/** A job, for those who operate workers. Times are in milliseconds since 1970 by Redis' clock. */
export interface Job {
  readonly id: string;
  readonly state: JobState;
  readonly sentAt: number;
  /** How often it was tried, the present try included. */
  readonly attempts: number;
  /** The type of its message; `undefined` where the message can't be read. */
  readonly type: string | undefined;
  /** How many bytes Redis keeps of its message. */
  readonly bytes: number;
  /** The worker that runs it. */
  readonly worker?: string;
  /** When it is tried again. */
  readonly dueAt?: number;
  /** When it failed last, or was set aside. */
  readonly failedAt?: number;
  /** Why it was set aside. */
  readonly reason?: AsideReason;
  /** The last failure. */
  readonly error?: string;
}

/** A job as Redis keeps it. */
export interface StoredJob {
  readonly id: string;
  readonly state: JobState;
  readonly frame: Buffer;
  readonly attempts?: number;
  readonly worker?: string;
  readonly dueAt?: number;
  /** How often it was tried, when it failed last, why, and with what error; with spaces between them. */
  readonly failure?: string | undefined;
}

/** @returns the job, and its message unless that can't be read. */
export function decodeJob(
  { id, state, frame, failure, attempts, ...known }: StoredJob,
  codec: JobSite["codec"],
): { readonly job: Job; readonly message?: LayerMessage } {
  const past = failure === undefined ? undefined : /^(\d+) (\d+) (\w+) ([^]*)$/.exec(failure);
  const [, tried = "0", failedAt = "0", reason = "", error = ""] = past ?? [];
  const rest = {
    id,
    state,
    sentAt: Number.parseInt(id, 10),
    attempts: attempts ?? Number(tried),
    bytes: frame.length,
    ...known,
    ...(past === null || past === undefined ? {} : { failedAt: Number(failedAt), error }),
    // The script writes one of these words for a job that it sets aside.
    ...(state === "aside" ? { reason: reason as AsideReason } : {}),
  };
  try {
    const { message } = codec.decode(frame);
    return { job: { ...rest, type: message.type }, message };
  } catch (thrown) {
    return { job: { error: toError(thrown).message, ...rest, type: undefined } };
  }
}
