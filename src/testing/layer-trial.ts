import { strict as assert } from "node:assert";
import type { Channel, ChannelLayer, ChannelLayerOptions, Subscriber } from "../protocol/channel-layer.ts";
import { type Diagnostics, type DiagnosticsName, subscribeDiagnostics } from "../protocol/diagnostics.ts";
import { type ErrorCode, isMillraceError, MillraceError } from "../protocol/errors.ts";
import type { LayerMessage } from "../protocol/message.ts";

/** What a layer may leave out where its medium can't keep it, by name. */
export const optionalPromises = {
  waiting: "messages wait on a named channel until somebody receives it",
  sharing: "several receivers of a named channel share its messages",
  namedMembers: "a named channel can be a member of a group",
  fullSend: "send rejects with ERR_CHANNEL_FULL when the channel is full",
  fullReport: "the report of groupSend counts what was full",
} as const;

/** A name of {@link optionalPromises}. */
export type OptionalPromise = keyof typeof optionalPromises;

/** One promise of the interface and how it is tried. */
export interface LayerCase {
  readonly name: string;
  readonly needs?: readonly OptionalPromise[];
  readonly run: (trial: Trial) => Promise<void>;
}

/** What one case has at hand. All that it makes ends with it. */
export class Trial implements AsyncDisposable {
  readonly #make: (options: ChannelLayerOptions) => ChannelLayer | Promise<ChannelLayer>;
  readonly #timeout: number;
  readonly #layers: ChannelLayer[] = [];

  constructor(make: (options: ChannelLayerOptions) => ChannelLayer | Promise<ChannelLayer>, timeout: number) {
    this.#make = make;
    this.#timeout = timeout;
  }

  async layer(options: ChannelLayerOptions = {}): Promise<ChannelLayer> {
    const layer = await this.#make(options);
    this.#layers.push(layer);
    return layer;
  }

  /** Somewhere to receive; `handle` is called with each message after it was noted. */
  inbox(handle?: Subscriber): Inbox {
    return new Inbox(this.#timeout, handle);
  }

  /** A new channel with an inbox behind it. */
  async member(layer: ChannelLayer, ...groups: readonly string[]): Promise<Inbox & { readonly channel: Channel }> {
    const inbox = this.inbox();
    const channel = await layer.newChannel(inbox.subscriber);
    for (const group of groups) await layer.groupAdd(group, channel.name);
    return Object.assign(inbox, { channel });
  }

  /** Listens to a diagnostics channel until it is disposed of. */
  listen<Name extends DiagnosticsName>(name: Name): Heard<Name> {
    return new Heard(name, this.#timeout);
  }

  /** Tries again and again, until it does not throw. */
  async until(attempt: () => Promise<void>): Promise<void> {
    const end = Date.now() + this.#timeout;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => void setImmediate(resolve));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const layer of this.#layers) await layer.close();
  }
}

/** What is noted one by one, and can be waited for. */
class Arrivals<T> {
  readonly all: T[] = [];
  readonly #timeout: number;
  #wake: () => void = () => {};

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  note(item: T): void {
    this.all.push(item);
    this.#wake();
  }

  /** Takes the first `count` away, when they are there. */
  async take(count: number): Promise<T[]> {
    const end = Date.now() + this.#timeout;
    while (this.all.length < count) {
      if (Date.now() > end) throw tooLate(count, this.all.length, this.#timeout);
      await this.#oneMore(end - Date.now());
    }
    return this.all.splice(0, count);
  }

  #oneMore(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds + 1);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Receives messages and keeps them. */
export class Inbox {
  readonly subscriber: Subscriber;
  readonly #arrivals: Arrivals<LayerMessage>;

  constructor(timeout: number, handle: Subscriber = () => {}) {
    const arrivals = new Arrivals<LayerMessage>(timeout);
    this.#arrivals = arrivals;
    this.subscriber = (message, expiresAt) => {
      arrivals.note(message);
      return handle(message, expiresAt);
    };
  }

  /** What has arrived and was not taken. */
  get waiting(): readonly LayerMessage[] {
    return this.#arrivals.all;
  }

  take(count: number): Promise<LayerMessage[]> {
    return this.#arrivals.take(count);
  }

  async next(): Promise<LayerMessage> {
    const [message] = await this.#arrivals.take(1);
    assert(message !== undefined);
    return message;
  }
}

/** Keeps what a diagnostics channel carries. */
export class Heard<Name extends DiagnosticsName> implements Disposable {
  readonly #arrivals: Arrivals<Diagnostics[Name]>;
  readonly #subscription: Disposable;

  constructor(name: Name, timeout: number) {
    const arrivals = new Arrivals<Diagnostics[Name]>(timeout);
    this.#arrivals = arrivals;
    this.#subscription = subscribeDiagnostics(name, (payload) => arrivals.note(payload));
  }

  /** The next that fits; others are passed over, because other layers of the process publish too. */
  async next(fits: (payload: Diagnostics[Name]) => boolean): Promise<Diagnostics[Name]> {
    for (;;) {
      const [payload] = await this.#arrivals.take(1);
      if (payload !== undefined && fits(payload)) return payload;
    }
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}

/** A numbered message. */
export function numbered(number: number): LayerMessage {
  return { type: "test.message", number };
}

export function numbers(messages: readonly LayerMessage[]): unknown[] {
  return messages.map(({ number }) => number);
}

/** 0 to `count - 1`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Asserts that something is refused with a code, whether it throws or rejects. */
export async function assertRefused(code: ErrorCode, what: string, attempt: () => unknown): Promise<void> {
  await assert.rejects(
    async () => {
      await attempt();
    },
    (error) => isMillraceError(error, code) || assert.fail(`${what} gave ${String(error)} and not ${code}`),
    `${what} was not refused with ${code}`,
  );
}

function tooLate(wanted: number, got: number, timeout: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened: `Not enough arrived within ${timeout} ms`,
    got,
    wanted: String(wanted),
  });
}
