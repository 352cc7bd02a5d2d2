import type { Application, Receive } from "../protocol/application.ts";
import type { ChannelLayers } from "../protocol/channel-layers.ts";
import { TransportConnection } from "../protocol/connection.ts";
import { reportError } from "../protocol/diagnostics.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import type { Outgoing } from "../protocol/events.ts";
import type { LayerMessage } from "../protocol/message.ts";
import type { ChannelScope } from "../protocol/scope.ts";
import { takeUnhandled } from "../protocol/unhandled.ts";
import { callApplication } from "../server/application-call.ts";

/** How a job went in the application. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: Error }
  /** There is no handler for it, and trying again would be of no use. */
  | { readonly kind: "unhandled"; readonly reason: string };

interface Instance {
  readonly connection: WorkerConnection;
  readonly receive: Receive;
}

/** The event that ends an application for a channel. */
export const lastEvent = "channel.disconnect";

/**
 * Hands jobs to an application, one at a time. The application is called anew after it has failed,
 * or has stopped by itself.
 */
export class Lane {
  readonly #application: Application;
  readonly #channel: string;
  readonly #layers: ChannelLayers;
  #instance: Instance | undefined;
  readonly #ending = new Set<Promise<void>>();

  constructor(application: Application, channel: string, layers: ChannelLayers) {
    this.#application = application;
    this.#channel = channel;
    this.#layers = layers;
  }

  /** Calls the application, which acquires nothing yet. Rejects with what it throws. */
  async open(): Promise<void> {
    this.#instance ??= await this.#call();
  }

  /** Settles when the application has handled a message, or has failed. It does not reject. */
  async handle(message: LayerMessage): Promise<Outcome> {
    let outcome = await this.#attempt(message);
    // One that stopped after its last job has not seen this one.
    if (outcome === "ended") outcome = await this.#attempt(message);
    if (outcome !== "ended") return outcome;
    return { kind: "failed", error: stopsAtOnce(this.#channel) };
  }

  /** Ends the application. Settles when it has ended, which it may take its time for. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all(this.#ending);
  }

  async #attempt(message: LayerMessage): Promise<Outcome | "ended"> {
    let connection: WorkerConnection | undefined;
    try {
      const instance = (this.#instance ??= await this.#call());
      ({ connection } = instance);
      await instance.receive(message);
    } catch (thrown) {
      const error = toError(thrown);
      // Consumers have told of it already; others have nobody else who does.
      reportError(connection ?? this.#newConnection(), error, message.type);
      this.#end();
      return { kind: "failed", error };
    }
    const unhandled = takeUnhandled(message);
    if (unhandled === undefined) return { kind: "done" };
    if (unhandled.kind === "no handler") return { kind: "unhandled", reason: unhandled.reason() };
    this.#end();
    return "ended";
  }

  #call(): Promise<Instance> {
    const connection = this.#newConnection();
    return new Promise((resolve, reject) => {
      const called = (receive: Receive): void => resolve({ connection, receive });
      callApplication(this.#application, connection, called, (thrown) => reject(toError(thrown)));
    });
  }

  #newConnection(): WorkerConnection {
    return new WorkerConnection({ type: "channel", channel: this.#channel }, this.#layers);
  }

  #end(): void {
    const instance = this.#instance;
    this.#instance = undefined;
    if (instance === undefined) return;
    const ended = endInstance(instance).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

class WorkerConnection extends TransportConnection<ChannelScope> {
  send(event: Outgoing): boolean {
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "A background channel has no peer to send to",
      got: event.type,
      wanted: "a message through the channel layer, such as this.channelLayer.groupSend(…)",
    });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.endSession();
  }
}

async function endInstance({ connection, receive }: Instance): Promise<void> {
  connection.end();
  try {
    await receive({ type: lastEvent });
  } catch (thrown) {
    reportError(connection, toError(thrown), lastEvent);
  }
}

function stopsAtOnce(channel: string): MillraceError {
  return new MillraceError("ERR_PROTOCOL_STATE", {
    happened: `The application of ${channel} stopped before it handled its first job`,
    remedy: "Throw StopConsumer in a handler, after its work",
  });
}
