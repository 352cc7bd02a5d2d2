import type { JobKeys } from "../layers/job-keys.ts";
import { full } from "../layers/job-scripts.ts";
import type { JobSite } from "../layers/job-site.ts";
import { publish } from "../protocol/diagnostics.ts";
import { isMillraceError } from "../protocol/errors.ts";
import type { Link } from "../redis/link.ts";
import type { RedisSubscriber } from "../redis/subscriber.ts";
import type { Source } from "./bridge.ts";
import { moveOne, notHeld } from "./job-scripts.ts";
import type { WorkerLinks } from "./worker-links.ts";

/** What moving published messages needs. */
export interface PublishedSourceParts {
  readonly channel: string;
  readonly keys: JobKeys;
  readonly site: JobSite;
  /** To the host of the channel's jobs. */
  readonly link: Link;
  readonly links: WorkerLinks;
  /** The number of the host on which the jobs are, and on which Python publishes to the channel. */
  readonly host: number;
  /** Something failed of which no caller hears. */
  readonly failed: (thrown: unknown) => void;
}

/** How many messages may be on their way at once. */
const maxMoving = 10_000;

/** What Python's pub/sub layer publishes to a channel. Nobody keeps it: who is not subscribed misses it. */
export class PublishedSource implements Source {
  readonly #parts: PublishedSourceParts;
  #subscriber: RedisSubscriber | undefined;
  #lost = false;
  #moving = 0;

  constructor(parts: PublishedSourceParts) {
    this.#parts = parts;
  }

  async begin(token: string): Promise<void> {
    await this.end();
    this.#lost = false;
    const { channel, links, host } = this.#parts;
    this.#subscriber = links.newSubscriber(host, (_topic, payload) => void this.#move(token, payload));
    await this.#subscriber.subscribe(channel);
  }

  async move(): Promise<boolean> {
    return this.#lost;
  }

  async end(): Promise<void> {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    if (subscriber === undefined) return;
    await subscriber.close();
    this.#parts.links.forget(subscriber);
  }

  async #move(token: string, payload: Buffer): Promise<void> {
    const { keys, site, link, failed } = this.#parts;
    if (this.#moving >= maxMoving) return this.#tellFull(payload);
    this.#moving++;
    try {
      const places = [keys.bridge, keys.jobs, keys.aside];
      const answer = await moveOne.run(link, places, [token, payload, site.capacity]);
      if (answer === full) this.#tellFull(payload);
      // Who has the right now may have had this message as well, or nobody had it for a while.
      if (answer === notHeld) this.#lost = true;
    } catch (error) {
      // That Redis is lost, and for how long messages may be missing, is told by the worker's condition.
      if (isMillraceError(error, "ERR_REDIS")) failed(error);
    } finally {
      this.#moving--;
    }
    return undefined;
  }

  #tellFull(payload: Buffer): void {
    const { channel, site } = this.#parts;
    const { layer } = site;
    publish("millrace:layer:over-capacity", () => ({
      layer,
      target: channel,
      type: typeOf(site, payload),
      members: 1,
    }));
  }
}

function typeOf({ codec }: JobSite, payload: Buffer): string {
  try {
    return codec.decode(payload).message.type;
  } catch {
    return "";
  }
}
