import type { Application, Receive } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import { TransportConnection } from "../protocol/connection.ts";
import { reportError } from "../protocol/diagnostics.ts";
import { isMillraceError, MillraceError, toError } from "../protocol/errors.ts";
import type { LifespanIncoming, Outgoing } from "../protocol/events.ts";
import { isNoRoute } from "../protocol/no-route.ts";
import type { LifespanScope } from "../protocol/scope.ts";
import { callApplication } from "./application-call.ts";

/** The start and the stop of an application, as far as it has hooks for them. */
export class Lifespan {
  readonly #connection: LifespanConnection;
  readonly #receive: Receive | undefined;

  private constructor(connection: LifespanConnection, receive: Receive | undefined) {
    this.#connection = connection;
    this.#receive = receive;
  }

  /**
   * Runs the start-up hook. An application that can't be called for `lifespan` has no hooks.
   *
   * @throws MillraceError `ERR_STARTUP_FAILED` when the hook fails.
   */
  static async start(application: Application, layers: ChannelLayers): Promise<Lifespan> {
    const connection = new LifespanConnection({ type: "lifespan" }, layers);
    const receive = await hooksOf(application, connection);
    try {
      await receive?.({ type: "lifespan.startup" });
    } catch (cause) {
      throw new MillraceError("ERR_STARTUP_FAILED", {
        happened: "The application's start-up hook failed, so nothing was served",
        got: cause,
        cause,
      });
    }
    return new Lifespan(connection, receive);
  }

  /** Runs the shut-down hook. Its failure is published, as is that it took too long. */
  async stop(timeout: number): Promise<void> {
    const receive = this.#receive;
    if (receive === undefined) return;
    this.#connection.end();
    const event: LifespanIncoming = { type: "lifespan.shutdown" };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(timeout)), timeout);
    });
    try {
      // An async function, so that a throw becomes a rejection.
      await Promise.race([(async () => receive(event))(), late]);
    } catch (error) {
      reportError(this.#connection, toError(error), event.type);
    } finally {
      clearTimeout(timer);
    }
  }
}

class LifespanConnection extends TransportConnection<LifespanScope> {
  send(event: Outgoing): boolean {
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "A lifespan has no peer to send to",
      got: event,
      wanted: "a promise that settles, or rejects, when the hook has run",
    });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.endSession();
  }
}

function hooksOf(application: Application, connection: LifespanConnection): Promise<Receive | undefined> {
  return new Promise((resolve) => {
    callApplication(application, connection, resolve, (thrown) => {
      if (!isNoRoute(thrown) && !isMillraceError(thrown, "ERR_WRONG_PROTOCOL")) {
        reportError(connection, toError(thrown), "");
      }
      resolve(undefined);
    });
  });
}

function tooLate(timeout: number): MillraceError {
  return new MillraceError("ERR_TIMEOUT", {
    happened: "The application's shut-down hook did not end in time",
    wanted: `it within ${timeout} ms`,
    remedy: "Make it quicker, or raise shutdownTimeout",
  });
}
