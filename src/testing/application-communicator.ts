import { type ApplicationLike, type Receive, toApplication } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import { TransportConnection } from "../protocol/connection.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import type { Incoming, Outgoing } from "../protocol/events.ts";
import type { Scope } from "../protocol/scope.ts";
import { inTime, OutputQueue } from "./output-queue.ts";
import { layersOf, type RequestOptions } from "./test-scope.ts";

/** How long a communicator waits by default, in milliseconds. */
export const defaultTimeout = 1000;

/**
 * Plays the transport of one application, event by event, without a server.
 *
 * A failure of the application is thrown by the next call that takes something. A time-out never
 * cancels the application: it goes on, and its output can still be taken.
 */
export class ApplicationCommunicator<S extends Scope = Scope> {
  readonly scope: S;
  readonly layers: ChannelLayers;
  /** What the application has sent and the test has not taken. */
  protected readonly output: OutputQueue<Outgoing> = new OutputQueue();
  readonly #connection: CommunicatorConnection<S>;
  readonly #pending = new Set<Promise<void>>();
  readonly #receive: Promise<Receive>;
  #ready = false;
  #leftEarly = false;
  #over: Promise<void> = Promise.resolve();

  constructor(application: ApplicationLike, scope: S, options: Pick<RequestOptions, "layers"> = {}) {
    this.scope = scope;
    this.layers = layersOf(options);
    this.#connection = new CommunicatorConnection(scope, this.layers, (event) => this.takeOutput(event));
    // An executor, so that what the application throws becomes a rejection.
    this.#receive = new Promise((resolve) => resolve(toApplication(application)(this.#connection)));
    this.#receive.then(
      () => (this.#ready = true),
      (error: unknown) => this.output.fail(toError(error)),
    );
  }

  /**
   * Hands an event to the application, and settles when the application has taken it, which is
   * before it has handled it. Events are taken in the order of the calls. An application that was
   * still being called when the session ended gets none.
   */
  async sendInput(event: Incoming): Promise<void> {
    await this.#give(event);
  }

  /**
   * The next event that the application sends.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  receiveOutput(timeout: number = defaultTimeout): Promise<Outgoing> {
    return this.output.take(timeout);
  }

  /** Whether the application sends nothing, and does not fail, for so many milliseconds. */
  receiveNothing(timeout = 100): Promise<boolean> {
    return this.output.isQuiet(timeout);
  }

  /**
   * Waits until all events are handled.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  async wait(timeout: number = defaultTimeout): Promise<void> {
    await inTime(this.#settled(), timeout, "The application is still handling an event");
    this.output.throwFailure();
  }

  /** Ends the session as a transport does: first the signal aborts, then the last event comes. */
  protected endSession(last: Incoming): void {
    this.#leftEarly = !this.#ready;
    this.#connection.end();
    this.#over = this.#give(last).then(({ handled }) => handled);
  }

  /**
   * Waits until the application has ended.
   *
   * @throws the application's failure, or MillraceError `ERR_TIMEOUT`.
   */
  protected async waitForEnd(timeout: number): Promise<void> {
    await inTime(this.#over, timeout, "The application has not ended");
    this.output.throwFailure();
  }

  /** Takes what the application sends. Whether it may is checked first, where a protocol has rules. */
  protected takeOutput(event: Outgoing): boolean {
    this.output.push(event);
    return true;
  }

  /** Hands an event over. What settles when it is handled is packed up, so that nobody awaits it by mistake. */
  async #give(event: Incoming): Promise<{ readonly handled?: Promise<void> }> {
    const receive = await this.#receive.catch(() => undefined);
    if (receive === undefined || this.#leftEarly) return {};
    try {
      const handled = receive(event);
      return handled === undefined ? {} : { handled: this.#watch(handled) };
    } catch (error) {
      this.output.fail(toError(error));
      return {};
    }
  }

  #watch(handled: Promise<void>): Promise<void> {
    const watched = handled
      .catch((error: unknown) => this.output.fail(toError(error)))
      .finally(() => this.#pending.delete(watched));
    this.#pending.add(watched);
    return watched;
  }

  async #settled(): Promise<void> {
    await this.#receive.catch(() => undefined);
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}

class CommunicatorConnection<S extends Scope> extends TransportConnection<S> {
  readonly #take: (event: Outgoing) => boolean;

  constructor(scope: S, layers: ChannelLayers, take: (event: Outgoing) => boolean) {
    super(scope, layers);
    this.#take = take;
  }

  send(event: Outgoing): boolean {
    return this.#take(event);
  }

  /** A communicator's peer is never behind. */
  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.endSession();
  }
}

/** The error for an application that sent something else than a test waited for. */
export function unexpected(event: Outgoing, wanted: string): MillraceError {
  return new MillraceError("ERR_UNEXPECTED_EVENT", {
    happened: `The application sent ${event.type}`,
    got: event,
    wanted,
  });
}
