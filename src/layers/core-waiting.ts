import type { MillraceError } from "../protocol/errors.ts";
import type { Endpoint } from "../redis/endpoint.ts";
import { Link } from "../redis/link.ts";
import type { ConnectionSettings } from "../redis/options.ts";
import { Intake, type Popped, popTimeout } from "./core-pop.ts";

/** Hears of the condition of a reader. */
export interface WaitingOwner {
  /** What was sent from `since` on, in milliseconds since 1970, may be missing. */
  waitingDown(waiting: Waiting, since: number, reason: MillraceError): void;
  /** What was sent between the two times may be missing; `until` may lie ahead. */
  waitingUp(waiting: Waiting, since: number, until: number): void;
}

/** On the way to Redis and back, a command may take so many milliseconds longer than it waits there. */
const travels = 500;

/**
 * Where one reader waits for messages on one host: a link for nothing else, which knows what the
 * reader may miss when it is lost. That begins with what was sent when the reader had last taken all
 * that there was. It ends when Redis can't hand a message any more to the wait that was lost: it may
 * believe for a while that the reader is still there.
 */
export class Waiting {
  readonly #link: Link;
  readonly #intake: Intake;

  /** @param takenUpTo says until when nothing was sent that the reader is to take. */
  constructor(endpoint: Endpoint, settings: ConnectionSettings, takenUpTo: number, owner: WaitingOwner) {
    this.#link = new Link(endpoint, settings, {
      name: "millrace-core-reader",
      blocksFor: popTimeout * 1000,
      onDown: (since, reason) => owner.waitingDown(this, this.#missingSince(since), reason),
      onUp: (since, until) => owner.waitingUp(this, this.#missingSince(since), this.#missingUntil(until)),
    });
    this.#intake = new Intake(this.#link, takenUpTo);
  }

  get up(): boolean {
    return this.#link.up;
  }

  /** {@link Intake.pop} */
  pop(queue: string, wake: string, seconds: number, more?: number): Promise<readonly Popped[]> {
    return this.#intake.pop(queue, wake, seconds, more);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #missingSince(since: number): number {
    return Math.min(since, this.#intake.takenUpTo);
  }

  #missingUntil(until: number): number {
    return Math.max(until, this.#intake.astrayUntil + travels);
  }
}
