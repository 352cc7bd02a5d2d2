/** How many channels are asked for in one command. */
const batchSize = 500;

/** One channel, or all channels of one glob, that somebody wants. */
export class Subscription {
  readonly channel: string;
  /** Whether it is a glob. */
  readonly isPattern: boolean;
  /** How many want it. */
  count = 0;
  /** Whether it was asked for on the present connection. */
  asked = false;
  /** Whether Redis has acknowledged it on any connection. */
  established = false;
  #active = false;
  #waiting: Array<(error?: Error) => void> = [];

  constructor(channel: string, isPattern: boolean) {
    this.channel = channel;
    this.isPattern = isPattern;
  }

  /** Whether Redis has acknowledged it on the present connection. */
  get active(): boolean {
    return this.#active;
  }

  /** Settles when Redis acknowledges, on whatever connection; rejects when it does not within so many milliseconds. */
  acknowledged(timeout: number, late: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== settle);
        reject(late());
      }, timeout);
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#waiting.push(settle);
    });
  }

  acknowledge(): void {
    this.#active = true;
    this.established = true;
    this.#settle();
  }

  /** Redis refuses it, or nobody asks any more. */
  fail(error: () => Error): void {
    this.asked = false;
    if (this.#waiting.length > 0) this.#settle(error());
  }

  /** The connection was lost. Those who wait go on waiting. */
  lost(): void {
    this.asked = false;
    this.#active = false;
  }

  #settle(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settle of waiting) settle(error);
  }
}

/** The channels, or the globs, that somebody wants, and those that nobody wants any more but that are still subscribed. */
export class Subscriptions {
  readonly #arePatterns: boolean;
  readonly #linger: number;
  readonly #unsubscribe: (channels: readonly string[]) => void;
  readonly #all = new Map<string, Subscription>();
  readonly #unwanted = new Set<Subscription>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param arePatterns says that what is wanted here are globs.
   * @param linger is how long, in milliseconds, a channel stays that nobody wants any more.
   * @param unsubscribe ends subscriptions on the present connection.
   */
  constructor(arePatterns: boolean, linger: number, unsubscribe: (channels: readonly string[]) => void) {
    this.#arePatterns = arePatterns;
    this.#linger = linger;
    this.#unsubscribe = unsubscribe;
  }

  /** How many channels are wanted. */
  get size(): number {
    return this.#all.size - this.#unwanted.size;
  }

  want(channel: string): Subscription {
    let subscription = this.#all.get(channel);
    if (subscription === undefined) {
      subscription = new Subscription(channel, this.#arePatterns);
      this.#all.set(channel, subscription);
    }
    if (subscription.count++ === 0) this.#unwanted.delete(subscription);
    return subscription;
  }

  wants(channel: string): boolean {
    const subscription = this.#all.get(channel);
    return subscription !== undefined && subscription.count > 0;
  }

  /** It need not be wanted. */
  release(channel: string): void {
    const subscription = this.#all.get(channel);
    if (subscription === undefined || subscription.count === 0 || --subscription.count > 0) return;
    this.#unwanted.add(subscription);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#forget(), this.#linger);
    this.#timer.unref();
  }

  /** All that are wanted, in as many as are asked for at once. */
  batches(): ReadonlyArray<readonly Subscription[]> {
    const wanted = [...this.#all.values()];
    const batches: Array<readonly Subscription[]> = [];
    for (let at = 0; at < wanted.length; at += batchSize) batches.push(wanted.slice(at, at + batchSize));
    return batches;
  }

  /**
   * The connection was lost, and with it what was subscribed.
   *
   * @param refusal is what those get who wait, where waiting is of no use.
   */
  lost(refusal?: () => Error): void {
    for (const subscription of this.#all.values()) {
      subscription.lost();
      if (refusal !== undefined) subscription.fail(refusal);
    }
    this.#forget();
  }

  close(error: () => Error): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const subscription of this.#all.values()) subscription.fail(error);
    this.#all.clear();
    this.#unwanted.clear();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const subscribed: string[] = [];
    for (const { channel, asked } of this.#unwanted) {
      this.#all.delete(channel);
      if (asked) subscribed.push(channel);
    }
    this.#unwanted.clear();
    for (let at = 0; at < subscribed.length; at += batchSize) this.#unsubscribe(subscribed.slice(at, at + batchSize));
  }
}
