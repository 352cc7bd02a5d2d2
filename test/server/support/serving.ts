import type { ApplicationLike, Connection, Diagnostics, DiagnosticsName, Incoming } from "millrace";
import { subscribeDiagnostics } from "millrace";
import { type MillraceServer, serve, type ServeOptions } from "millrace/server";

/** A server on a free port. */
export interface Serving extends AsyncDisposable {
  readonly server: MillraceServer;
  readonly port: number;
}

export async function serving(application: ApplicationLike, options: ServeOptions = {}): Promise<Serving> {
  const server = await serve(application, { port: 0, shutdownTimeout: 500, ...options });
  return { server, port: server.address.port, [Symbol.asyncDispose]: () => server.close() };
}

/** What came, in order, with a way to wait for what comes next. */
export class Log<T> {
  readonly entries: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(entry: T): void {
    this.entries.push(entry);
    for (const wake of this.#waiting) wake();
  }

  /** The first entry that fits, which may have come already. */
  async find(fits: (entry: T) => boolean): Promise<T> {
    for (;;) {
      const found = this.entries.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}

/** What was published on some channels, while it is in use. */
export class Published extends Log<{ readonly name: DiagnosticsName; readonly payload: Diagnostics[DiagnosticsName] }> {
  readonly #subscriptions: Disposable[];

  constructor(...names: DiagnosticsName[]) {
    super();
    this.#subscriptions = names.map((name) => subscribeDiagnostics(name, (payload) => this.add({ name, payload })));
  }

  /** The payloads on one channel. */
  of<Name extends DiagnosticsName>(name: Name): Array<Diagnostics[Name]> {
    // What was published under a name has the payload of that name.
    return this.entries.filter((entry) => entry.name === name).map(({ payload }) => payload as Diagnostics[Name]);
  }

  /** The first payload on one channel, which may have come already. */
  async next<Name extends DiagnosticsName>(
    name: Name,
    fits: (payload: Diagnostics[Name]) => boolean = () => true,
  ): Promise<Diagnostics[Name]> {
    const { payload } = await this.find((entry) => entry.name === name && fits(entry.payload as Diagnostics[Name]));
    return payload as Diagnostics[Name];
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
  }
}

/** An application made of one function, which hears of every event together with its connection. */
export function handling(
  handle: (event: Incoming, connection: Connection) => void | Promise<void>,
): (connection: Connection) => (event: Incoming) => void | Promise<void> {
  return (connection) => (event) => handle(event, connection);
}

/** An application for sockets that accepts, and lets a function do the rest. */
export function accepting(
  handle: (event: Incoming, connection: Connection) => void | Promise<void> = () => {},
): ReturnType<typeof handling> {
  return handling((event, connection) => {
    if (event.type === "websocket.connect") connection.send({ type: "websocket.accept" });
    if (connection.scope.type === "websocket") return handle(event, connection);
    return undefined;
  });
}
