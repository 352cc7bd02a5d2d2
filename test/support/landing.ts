import type { Application, ApplicationLike, Connection, Params, Receive, Scope } from "millrace";
import { toApplication } from "millrace";
import { RecordingConnection, websocketScope } from "./recording-connection.ts";

/** Where a connection came out, and with what. */
export interface Landing {
  readonly name: string;
  readonly connection: Connection;
  readonly params: Params;
  readonly args: readonly string[];
}

const landings = new WeakMap<Receive, Landing>();

/** An application that only tells that it was reached. */
export function landing(name: string): Application {
  return (connection) => {
    const receive: Receive = () => {};
    const { params, args } = connection.scope as { params: Params; args: readonly string[] };
    landings.set(receive, { name, connection, params, args });
    return receive;
  };
}

/** Where an application takes a socket to a path. Fails when it does not answer synchronously. */
export function land(application: ApplicationLike, rawPath: string, rootPath = ""): Landing {
  return landed(toApplication(application)(socket(rawPath, rootPath)));
}

/** The same for an application that may take its time. */
export async function landLater(application: ApplicationLike, rawPath: string, rootPath = ""): Promise<Landing> {
  return landed(await toApplication(application)(socket(rawPath, rootPath)));
}

/** A socket to a path, without a transport. */
export function socket(rawPath: string, rootPath = ""): RecordingConnection {
  return new RecordingConnection<Scope>(websocketScope(rawPath, rootPath));
}

function landed(receive: Receive | Promise<Receive>): Landing {
  const found = typeof receive === "function" ? landings.get(receive) : undefined;
  if (found === undefined) throw new Error("The application did not lead to a landing");
  return found;
}

/** A middleware that nothing is known of. */
export function middleware(inner: Application): Application {
  return (connection) => inner(connection.with({ scope: { ...connection.scope, seen: true } }));
}

/** The same, taking its time. */
export function slowMiddleware(inner: Application): Application {
  return async (connection) => {
    await Promise.resolve();
    return inner(connection.with({ scope: { ...connection.scope, seen: true } }));
  };
}
