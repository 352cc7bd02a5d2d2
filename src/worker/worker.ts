import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { JobKeys } from "../layers/job-keys.ts";
import { type JobSite, jobSiteOf } from "../layers/job-site.ts";
import { type Application, type ApplicationLike, toApplication } from "../protocol/application.ts";
import { ChannelLayers, installChannelLayers } from "../protocol/channel-layers.ts";
import { publish } from "../protocol/diagnostics.ts";
import { toError } from "../protocol/errors.ts";
import { Lifespan } from "../server/lifespan.ts";
import type { Bridge } from "./bridge.ts";
import { newBridge } from "./bridges.ts";
import { ChannelWorker } from "./channel-worker.ts";
import { hostOf, JobStore } from "./job-store.ts";
import { Lane } from "./lane.ts";
import { checkWorkerOptions, type WorkerOptions, type WorkerSettings } from "./options.ts";
import { WorkerLinks } from "./worker-links.ts";

/** A worker that takes jobs. */
export interface MillraceWorker extends AsyncDisposable {
  /** What it is called in Redis. */
  readonly name: string;
  readonly channels: readonly string[];
  /** How many jobs run. */
  readonly running: number;
  /**
   * Takes no more jobs, lets those that run end, gives back those that have not after
   * `shutdownTimeout`, and runs the application's shut-down hook. Calling it again gives the same
   * promise.
   */
  close(): Promise<void>;
}

/**
 * Starts an application's workers.
 *
 * @throws MillraceError `ERR_INVALID_OPTION`, `ERR_INVALID_NAME`, `ERR_NO_CHANNEL_LAYER`,
 *   `ERR_INVALID_ROUTE`, `ERR_NO_ROUTE`, `ERR_LAYER_UNAVAILABLE`, `ERR_REDIS` or
 *   `ERR_STARTUP_FAILED`; then nothing is left running.
 */
export async function startWorker(target: ApplicationLike, options: WorkerOptions): Promise<MillraceWorker> {
  const settings = checkWorkerOptions(options);
  const worker = new RunningWorker(toApplication(target), settings);
  try {
    await worker.start();
  } catch (error) {
    await worker.abandon();
    throw error;
  }
  return worker;
}

/** How long consumers have to end after their jobs, at least; in milliseconds. */
const leastGrace = 1000;

class RunningWorker implements MillraceWorker {
  readonly name = `${hostname()}.${process.pid}.${randomBytes(4).toString("hex")}`;
  readonly channels: readonly string[];
  readonly #application: Application;
  readonly #settings: WorkerSettings;
  readonly #layers: ChannelLayers;
  readonly #site: JobSite;
  readonly #links: WorkerLinks;
  readonly #stores: readonly JobStore[];
  readonly #workers: readonly ChannelWorker[];
  readonly #bridges: readonly Bridge[];
  #lifespan: Lifespan | undefined;
  #installed: Disposable | undefined;
  #closing: Promise<void> | undefined;

  constructor(application: Application, settings: WorkerSettings) {
    this.#application = application;
    this.#settings = settings;
    this.channels = settings.channels;
    this.#layers = new ChannelLayers(settings.layers);
    this.#site = jobSiteOf(this.#layers.get(settings.layerAlias));
    this.#links = new WorkerLinks(this.#site);
    this.#stores = this.channels.map((channel) => this.#newStore(channel));
    this.#workers = this.channels.map((channel, at) => this.#newChannelWorker(channel, at));
    this.#bridges = this.channels.map((channel) => newBridge(channel, this.#site, this.#links, failedOf(this.#site)));
  }

  get running(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.running, 0);
  }

  async start(): Promise<void> {
    // First, because what is wrong here is the application's, and Redis need not be asked.
    for (const worker of this.#workers) await worker.prepare();
    await this.#links.connect();
    // Takes none, but from now on what is sent is kept.
    for (const store of this.#stores) await store.take(0, [], false);
    this.#installed = installChannelLayers(this.#layers);
    this.#lifespan = await Lifespan.start(this.#application, this.#layers);
    for (const part of [...this.#workers, ...this.#bridges]) part.start();
    const { name, channels } = this;
    const { concurrency } = this.#settings;
    publish("millrace:worker:started", () => ({ worker: name, channels, concurrency }));
  }

  /** Lets go of everything after a start that failed. */
  async abandon(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#installed?.[Symbol.dispose]();
    await this.#links.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { shutdownTimeout } = this.#settings;
    const deadline = performance.now() + shutdownTimeout;
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await atMost(deadline - performance.now(), Promise.all(this.#workers.map((worker) => worker.idle())));
    const given = await Promise.all(this.#workers.map((worker) => worker.giveBack()));
    const unfinished = given.reduce((sum, count) => sum + count, 0);
    await atMost(
      Math.max(deadline - performance.now(), leastGrace),
      Promise.all(this.#workers.map((worker) => worker.close())),
    );
    // Last, so that what Python sends meanwhile is not missed if no other worker runs.
    await Promise.all(this.#bridges.map((bridge) => bridge.close()));
    await Promise.allSettled(this.#stores.map((store) => store.leave()));
    await this.#lifespan?.stop(shutdownTimeout);
    this.#installed?.[Symbol.dispose]();
    await this.#links.close();
    publish("millrace:worker:stopped", () => ({ worker: this.name, unfinished }));
  }

  #newStore(channel: string): JobStore {
    const link = this.#links.commands.at(hostOf(this.#site, channel));
    return new JobStore(link, new JobKeys(this.#site.prefix, channel), this.name, this.#settings.lease);
  }

  #newChannelWorker(channel: string, at: number): ChannelWorker {
    const store = this.#stores[at] ?? this.#newStore(channel);
    return new ChannelWorker({
      ...this.#settings,
      channel,
      store,
      waiting: this.#links.waiting(hostOf(this.#site, channel)),
      codec: this.#site.codec,
      newLane: () => new Lane(this.#application, channel, this.#layers),
      failed: failedOf(this.#site),
    });
  }
}

function failedOf({ layer }: JobSite): (thrown: unknown) => void {
  return (thrown) => publish("millrace:layer:error", () => ({ layer, error: toError(thrown) }));
}

/** Settles with the promise, or after so many milliseconds. */
async function atMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds));
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
