import { jobSiteOf } from "../layers/job-site.ts";
import { channelLayerFromUrl } from "../layers/layer-url.ts";
import { JobQueue } from "../worker/job-queue.ts";
import { workerChannels } from "../worker/worker-channels.ts";
import { counted } from "./columns.ts";
import type { CommandValues } from "./commands.ts";
import { countsText, jobsTable, jobText, jsonText, unknownText } from "./jobs-text.ts";
import { printable, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

type Flags = CommandValues<"jobs">;

/** `millrace jobs <channel>`: looks after the jobs of a channel. Settles with the exit code. */
export async function manageJobs(channel: string, flags: Flags, terminal: Terminal): Promise<number> {
  checkFlags(flags);
  if (flags.layer === undefined) throw new UsageError("millrace jobs needs --layer, or CHANNEL_LAYER_URL.", "jobs");
  await using layer = channelLayerFromUrl(flags.layer);
  await using jobs = new JobQueue(layer, channel);
  if (flags.show !== undefined) return await show(jobs, flags.show, flags, terminal);
  if (flags.requeue !== undefined) {
    const { requeue } = flags;
    const count = requeue === "all" ? await jobs.requeueAll() : Number(await jobs.requeue(requeue));
    return told(terminal, requeue, count, `${counted(count, "job")} of ${channel} will run again.`, "is set aside");
  }
  if (flags.discard !== undefined) {
    const { discard } = flags;
    const count = discard === "all" ? await jobs.discardAll() : Number(await jobs.discard(discard));
    return told(terminal, discard, count, `${counted(count, "job")} of ${channel} dropped.`, "is set aside or waits");
  }
  if (flags.purge === true) {
    const count = await jobs.purge();
    terminal.print(`${counted(count, "job")} of ${channel} dropped; nothing is kept for its workers any more.`);
    return 0;
  }
  if (flags.json !== true && !(await jobs.exists()) && (await jobs.count()).aside === 0) {
    terminal.print(unknownText(channel, await workerChannels(jobSiteOf(layer))));
    return 1;
  }
  return await list(jobs, flags, terminal);
}

/** One thing at a time, so that nobody has to guess what comes first. */
function checkFlags(flags: Flags): void {
  const given = (["list", "show", "requeue", "discard", "purge"] as const).filter((name) => flags[name] !== undefined);
  if (given.length < 2) return;
  const names = given.map((name) => `--${name}`).join(" and ");
  throw new UsageError(`millrace jobs does one thing at a time; got ${names}.`, "jobs");
}

function told(terminal: Terminal, asked: string, count: number, done: string, state: string): number {
  if (asked === "all" || count > 0) {
    terminal.print(done);
    return 0;
  }
  terminal.print(`There is no job ${printable(asked)} that ${state}.`);
  return 1;
}

async function show(jobs: JobQueue, id: string, { json }: Flags, terminal: Terminal): Promise<number> {
  const job = await jobs.find(id);
  if (job === undefined) {
    terminal.print(`There is no job ${printable(id)} of ${jobs.channel}: it was done, or dropped.`);
    return 1;
  }
  terminal.print(json === true ? jsonText(job) : jobText(job));
  return 0;
}

async function list(jobs: JobQueue, flags: Flags, terminal: Terminal): Promise<number> {
  const { list: state = "aside", limit = 20 } = flags;
  const [known, counts, listed] = await Promise.all([jobs.exists(), jobs.count(), jobs.list(state, limit)]);
  if (flags.json === true) {
    terminal.print(jsonText({ channel: jobs.channel, kept: known, ...counts, state, jobs: listed }));
    return 0;
  }
  terminal.print(countsText(jobs.channel, counts));
  if (listed.length === 0) return 0;
  terminal.print(`\n${jobsTable(listed, state, counts)}`);
  return 0;
}
