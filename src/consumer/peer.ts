import type { Connection } from "../protocol/connection.ts";
import { reportError } from "../protocol/diagnostics.ts";
import { type MillraceError, toError } from "../protocol/errors.ts";
import type { Outgoing } from "../protocol/events.ts";
import { AcceptConnection, type DenyConnection } from "./control.ts";
import type { Answer, ConsumerProtocol } from "./protocols.ts";

/** A consumer's peer, as far as it has been answered. */
export class Peer {
  readonly #connection: Connection;
  readonly #protocol: ConsumerProtocol;
  /** The consumer's class, for reports. */
  readonly #name: string;
  #begun = false;
  #complete = false;

  constructor(connection: Connection, protocol: ConsumerProtocol, name: string) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#name = name;
  }

  send(event: Outgoing): boolean {
    const sent = this.#connection.send(event);
    if (event.type === "websocket.accept" || event.type === "http.response.start") this.#begun = true;
    if (event.type === "http.response.body" && event.moreBody !== true) this.#complete = true;
    return sent;
  }

  /** Answers a handshake as a handler has thrown it. */
  answer(control: AcceptConnection | DenyConnection): void {
    if (control instanceof AcceptConnection) {
      const { subprotocol, headers } = control;
      this.send({ type: "websocket.accept", subprotocol, headers });
    } else {
      this.send({ type: "websocket.deny", ...control.denial });
    }
  }

  /** What is wrong when the handler that runs beside the mailbox has ended and the peer still waits. */
  unfinished(): MillraceError | undefined {
    return this.#protocol.unfinished(this.#state());
  }

  /** Tells the peer that a handler failed. */
  sendFailure(): void {
    this.#sendAll(this.#protocol.onFailure(this.#state()));
  }

  /** Tells the peer that the consumer has stopped. */
  sendStop(): void {
    this.#sendAll(this.#protocol.onStop(this.#state()));
  }

  /** Publishes a failure, once a session. */
  report(thrown: unknown, event: string): void {
    reportError(this.#connection, toError(thrown), event, this.#name);
  }

  #sendAll(events: readonly Outgoing[]): void {
    try {
      for (const event of events) this.send(event);
    } catch (thrown) {
      this.report(thrown, "");
    }
  }

  #state(): Answer {
    return { begun: this.#begun, complete: this.#complete };
  }
}
