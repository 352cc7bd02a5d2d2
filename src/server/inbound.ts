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

/** Hands events to an application, and paces the client by what is not yet handled. */
export class Inbound implements WheelItem {
  due = 0;
  readonly #receive: Receive;
  readonly #limit: number;
  readonly #timeout: number;
  readonly #owner: InboundOwner;
  #unsettled = 0;
  #paused = false;

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
    try {
      const handled: unknown = this.#receive(event);
      if (!isThenable(handled)) return undefined;
      return Promise.resolve(handled).then(
        () => {},
        (thrown: unknown) => this.#owner.failed(thrown, event),
      );
    } catch (thrown) {
      this.#owner.failed(thrown, event);
      return undefined;
    }
  }

  /** Hands on an event of which only so many may be unhandled. */
  deliverPaced(event: Incoming): void {
    const handled = this.deliver(event);
    if (handled === undefined) return;
    this.#unsettled++;
    void handled.then(() => this.#settled());
    if (this.#unsettled >= this.#limit && !this.#paused) this.#pause();
  }

  /** Paces no longer: the client has gone, or is about to. */
  release(): void {
    if (!this.#paused) return;
    this.#paused = false;
    wheel.clear(this);
    this.#owner.paused(false);
  }

  onDue(): void {
    this.#owner.stuck();
  }

  #pause(): void {
    this.#paused = true;
    wheel.set(this, this.#timeout);
    this.#owner.paused(true);
  }

  #settled(): void {
    this.#unsettled--;
    if (this.#unsettled * 2 < this.#limit) this.release();
  }
}
