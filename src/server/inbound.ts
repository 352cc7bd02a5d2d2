import { Queue } from "../flow/queue.ts";
import { wheel, type WheelItem } from "../flow/wheel.ts";
import type { Receive } from "../protocol/application.ts";
import type { Incoming } from "../protocol/events.ts";
import { isThenable } from "./application-call.ts";

/** Who hears how an application takes its events. */
export interface InboundOwner {
  /** The handler of an event failed. */
  failed(thrown: unknown, event: Incoming): void;
  /** The application is behind: the client is not to be read from, or is again. */
  paused(paused: boolean): void;
  /** The application has been behind for too long. */
  stuck(): void;
}

/**
 * Hands events to an application, and paces the client by what is not yet handled. A client that is
 * no longer read from may have sent more in its last packet: that waits here, where it costs least.
 */
export class Inbound implements WheelItem {
  due = 0;
  readonly #receive: Receive;
  readonly #limit: number;
  readonly #timeout: number;
  readonly #owner: InboundOwner;
  #unsettled = 0;
  #paused = false;
  // Made while events wait, because those of most sockets never do.
  #waiting: Queue<Incoming> | undefined;
  // Made for the first event that is not handled at once, and kept for all others.
  #onSettled: (() => void) | undefined;

  constructor(
    receive: Receive,
    { mailboxLimit, pausedTimeout }: { readonly mailboxLimit: number; readonly pausedTimeout: number },
    owner: InboundOwner,
  ) {
    this.#receive = receive;
    this.#limit = mailboxLimit;
    this.#timeout = pausedTimeout;
    this.#owner = owner;
  }

  /** Hands on an event. What it returns never rejects: a failure goes to the owner. */
  deliver(event: Incoming): void | Promise<void> {
    return this.#hand(event, false);
  }

  /** Hands on an event of which only so many may be unhandled, now or in its turn. */
  deliverPaced(event: Incoming): void {
    if (this.#unsettled < this.#limit) this.#deliverCounted(event);
    else (this.#waiting ??= new Queue()).push(event);
  }

  /** Paces no longer: the client has gone, or is about to. What waits is handed on. */
  release(): void {
    for (let event = this.#waiting?.shift(); event !== undefined; event = this.#waiting?.shift()) {
      void this.deliver(event);
    }
    this.#resume();
  }

  onDue(): void {
    this.#owner.stuck();
  }

  #deliverCounted(event: Incoming): void {
    if (this.#hand(event, true) === undefined) return;
    this.#unsettled++;
    if (this.#unsettled >= this.#limit && !this.#paused) this.#pause();
  }

  /** Hands on an event; one that is counted is counted off when it is handled, if it is not at once. */
  #hand(event: Incoming, counted: boolean): void | Promise<void> {
    try {
      const handled: unknown = this.#receive(event);
      if (!isThenable(handled)) return undefined;
      const settled = counted ? (this.#onSettled ??= () => this.#settled()) : done;
      return Promise.resolve(handled).then(settled, (thrown: unknown) => {
        this.#owner.failed(thrown, event);
        settled();
      });
    } catch (thrown) {
      this.#owner.failed(thrown, event);
      return undefined;
    }
  }

  #pause(): void {
    this.#paused = true;
    wheel.set(this, this.#timeout);
    this.#owner.paused(true);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    wheel.clear(this);
    this.#owner.paused(false);
  }

  #settled(): void {
    this.#unsettled--;
    while (this.#unsettled < this.#limit) {
      const event = this.#waiting?.shift();
      if (event === undefined) break;
      this.#deliverCounted(event);
    }
    if (this.#unsettled * 2 < this.#limit) this.#resume();
  }
}

function done(): void {}
