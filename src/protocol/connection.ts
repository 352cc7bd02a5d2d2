import type { ChannelLayers } from "./channel-layers.ts";
import type { Outgoing } from "./events.ts";
import type { Scope } from "./scope.ts";

/** What a derived connection has instead of its origin's. */
export interface ConnectionChange<S extends Scope = Scope> {
  readonly scope?: S;
  readonly send?: (event: Outgoing) => boolean;
}

/** What an application holds of its transport, for as long as the session lasts. */
export interface Connection<S extends Scope = Scope> {
  readonly scope: S;
  readonly layers: ChannelLayers;

  /**
   * Aborts when the session is over: the socket is closed, or the HTTP exchange has ended. Made
   * when first asked for, because it costs more memory than all the rest of an idle connection.
   */
  readonly signal: AbortSignal;

  /**
   * Hands an event to the transport. `false` says that the peer is behind, or gone: pace with
   * {@link drained}.
   *
   * @throws MillraceError when the protocol does not allow the event, now or at all.
   */
  send(event: Outgoing): boolean;

  /** Settles when the peer is no longer behind, or is gone. */
  drained(): Promise<void>;

  /**
   * Derives a connection with another scope or another way to send. It is the only way to derive
   * one: it is flat, whatever the number of middleware, and leaves the rest to the origin.
   */
  with<T extends Scope = S>(change: ConnectionChange<T>): Connection<T>;
}

/** What the connections of all transports share. */
export abstract class TransportConnection<S extends Scope = Scope> implements Connection<S> {
  readonly scope: S;
  readonly layers: ChannelLayers;
  #over = false;
  #abort: AbortController | undefined;

  constructor(scope: S, layers: ChannelLayers) {
    this.scope = scope;
    this.layers = layers;
  }

  abstract send(event: Outgoing): boolean;
  abstract drained(): Promise<void>;

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#over) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  with<T extends Scope = S>(change: ConnectionChange<T>): Connection<T> {
    return new DerivedConnection(this, change);
  }

  /** Says that the session is over. A transport calls it once, before it hands on the last event. */
  protected endSession(): void {
    this.#over = true;
    this.#abort?.abort();
  }
}

/** The transport's connection behind one that may be derived: the same for all that hold the session. */
export function originOf(connection: Connection): Connection {
  return DerivedConnection.originOf(connection);
}

class DerivedConnection<S extends Scope> implements Connection<S> {
  readonly scope: S;
  readonly #origin: Connection;
  readonly #send: ((event: Outgoing) => boolean) | undefined;

  constructor(origin: Connection, change: ConnectionChange<S>) {
    this.#origin = origin;
    this.#send = change.send;
    // A change without a scope keeps the origin's, whose type is then S: the caller of `with` gave none other.
    this.scope = change.scope ?? (origin.scope as S);
  }

  static originOf(connection: Connection): Connection {
    return connection instanceof DerivedConnection ? connection.#origin : connection;
  }

  get layers(): ChannelLayers {
    return this.#origin.layers;
  }

  get signal(): AbortSignal {
    return this.#origin.signal;
  }

  send(event: Outgoing): boolean {
    return this.#send === undefined ? this.#origin.send(event) : this.#send(event);
  }

  drained(): Promise<void> {
    return this.#origin.drained();
  }

  with<T extends Scope = S>(change: ConnectionChange<T>): Connection<T> {
    // T is S where the change names no scope.
    const scope = (change.scope ?? this.scope) as T;
    const send = change.send ?? this.#send;
    return new DerivedConnection(this.#origin, send === undefined ? { scope } : { scope, send });
  }
}
