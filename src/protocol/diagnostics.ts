import { channel, type Channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Connection, originOf } from "./connection.ts";
import type { LayerMessage } from "./message.ts";
import type { Address, Scope } from "./scope.ts";

/** What each diagnostics channel carries. Secrets never enter: no header, no body, no message. */
export interface Diagnostics {
  /** A server listens. */
  "millrace:server:listening": { readonly address: Address | string };
  /** A server has closed; `forced` is the number of connections that had to be cut. */
  "millrace:server:closed": { readonly forced: number };
  /** An application took a websocket. */
  "millrace:websocket:open": { readonly scope: Scope };
  /** A websocket that was open is closed. */
  "millrace:websocket:close": { readonly scope: Scope; readonly code: number; readonly reason: string };
  /** A handshake was answered with an HTTP status other than 101, or with none (0) because the peer left. */
  "millrace:websocket:refused": { readonly path: string; readonly status: number; readonly reason: string };
  /** Messages to a client were not sent. */
  "millrace:websocket:dropped": {
    readonly scope: Scope;
    readonly reason: DropReason;
    readonly messages: number;
  };
  /** A socket is no longer read from, because its application is behind; or is read from again. */
  "millrace:websocket:paused": { readonly scope: Scope; readonly paused: boolean };
  /** A response was sent, or broken off (status 0). */
  "millrace:http:response": {
    readonly scope: Scope;
    readonly status: number;
    /** From the request's head to the response's last byte. */
    readonly milliseconds: number;
  };
  /** An application failed: while it was called, or in a handler. Each error is published once a session. */
  "millrace:application:error": {
    readonly scope: Scope;
    readonly error: Error;
    /** The type of the event that was being handled. */
    readonly event: string;
    /** The consumer's class, where it was one. */
    readonly consumer?: string;
  };
  /** A message had no handler, and was dropped. */
  "millrace:consumer:unhandled": {
    readonly consumer: string;
    readonly type: string;
    /** Why, with the nearest handler's name where there is one. */
    readonly reason: string;
  };
  /** A handler still ran when the peer's grace was over, so `disconnect` ran beside it. */
  "millrace:consumer:abandoned": {
    readonly consumer: string;
    /** The type of the event whose handler did not end. */
    readonly event: string;
    /** How many events waited behind it and were dropped. */
    readonly dropped: number;
  };
  /** A channel was full. `members` counts the members of a group that did not get the message. */
  "millrace:layer:over-capacity": {
    readonly layer: string;
    readonly target: string;
    readonly type: string;
    readonly members: number;
  };
  /** A message was too old when its turn came, and was dropped. */
  "millrace:message:expired": { readonly channel: string; readonly type: string };
  /** A layer's own work failed where nobody awaits it. `layer` is its alias, or its kind. */
  "millrace:layer:error": { readonly layer: string; readonly error: Error };
  /**
   * A layer lost a connection by which it receives: from `since` on, messages may be missing. It is
   * published once more where another connection turns out to have been lost earlier.
   */
  "millrace:layer:degraded": {
    readonly layer: string;
    /** The last moment at which all was known to be well, in milliseconds since 1970. */
    readonly since: number;
    readonly reason: string;
  };
  /** A layer receives again, all that it received before: messages sent between the two times may be missing. */
  "millrace:layer:recovered": {
    readonly layer: string;
    /** In milliseconds since 1970; not later than the `since` that was told before. */
    readonly since: number;
    readonly until: number;
  };
  /** A worker takes jobs from now on. */
  "millrace:worker:started": {
    /** What the worker is called in Redis. */
    readonly worker: string;
    readonly channels: ReadonlyArray<string>;
    /** How many jobs of each channel it runs at once. */
    readonly concurrency: number;
  };
  /** A worker has stopped; `unfinished` is the number of jobs that it gave back because they did not end in time. */
  "millrace:worker:stopped": { readonly worker: string; readonly unfinished: number };
  /** A worker lost Redis: it takes no jobs, and the end of those that run can't be recorded. */
  "millrace:worker:degraded": {
    /** The last moment at which all was known to be well, in milliseconds since 1970. */
    readonly since: number;
    readonly reason: string;
  };
  /** A worker has Redis again. What Python published to worker channels between the two times may be missing. */
  "millrace:worker:recovered": {
    /** In milliseconds since 1970. */
    readonly since: number;
    readonly until: number;
  };
  /** A worker begins, or has ceased, to move what Python sends to a channel. */
  "millrace:worker:bridge": { readonly channel: string; readonly held: boolean };
  /** What a worker's channel holds, at intervals, in all of its workers together. */
  "millrace:worker:backlog": {
    readonly channel: string;
    readonly waiting: number;
    readonly running: number;
    /** Jobs that failed and are to be tried again. */
    readonly retrying: number;
    /** Jobs that were set aside for an operator. */
    readonly aside: number;
    /** How long ago the oldest job was sent that is not done, in milliseconds; those set aside don't count. */
    readonly oldest: number;
  };
  /** A worker began a job. */
  "millrace:job:started": {
    readonly channel: string;
    readonly id: string;
    readonly type: string;
    /** 1 the first time. */
    readonly attempt: number;
    /** Since it was sent, in milliseconds. */
    readonly waited: number;
  };
  /** A job was done, and will not run again. */
  "millrace:job:done": {
    readonly channel: string;
    readonly id: string;
    readonly type: string;
    readonly attempt: number;
    readonly milliseconds: number;
  };
  /** A job failed, and will be tried again. */
  "millrace:job:retried": {
    readonly channel: string;
    readonly id: string;
    readonly type: string;
    readonly attempt: number;
    /** In how many milliseconds. */
    readonly delay: number;
    readonly error: Error;
  };
  /** A job was set aside, and waits for an operator. */
  "millrace:job:aside": {
    readonly channel: string;
    readonly id: string;
    readonly attempts: number;
    /** Why, in a word of {@link AsideReason}. */
    readonly reason: AsideReason;
    readonly error: Error;
  };
  /** The end of a job is not recorded, so that it will run again, or does so elsewhere. */
  "millrace:job:unsettled": {
    readonly channel: string;
    readonly id: string;
    readonly attempt: number;
    /** Another worker has it; Redis could not be told; or it did not end in time when the worker stopped. */
    readonly reason: "taken over" | "not recorded" | "given back";
  };
}

/**
 * Why a message to a client was not sent: the socket was closed; its outbound queue was full; or a
 * later message of the same key replaced it while it waited there.
 */
export type DropReason = "closed" | "full" | "replaced";

/**
 * Why a job was set aside: it failed too often; its workers died or hung too often; its body can't
 * be read; its type is none that may be sent; or its consumer has no handler for it.
 */
export type AsideReason = "failed" | "lost" | "unreadable" | "reserved" | "unhandled";

/** The name of a diagnostics channel of Millrace. */
export type DiagnosticsName = keyof Diagnostics;

/** All names, for those who listen to everything; `docs/reference/diagnostics.md` describes each. */
export const diagnosticsNames: readonly DiagnosticsName[] = [
  "millrace:server:listening",
  "millrace:server:closed",
  "millrace:websocket:open",
  "millrace:websocket:close",
  "millrace:websocket:refused",
  "millrace:websocket:dropped",
  "millrace:websocket:paused",
  "millrace:http:response",
  "millrace:application:error",
  "millrace:consumer:unhandled",
  "millrace:consumer:abandoned",
  "millrace:layer:over-capacity",
  "millrace:message:expired",
  "millrace:layer:error",
  "millrace:layer:degraded",
  "millrace:layer:recovered",
  "millrace:worker:started",
  "millrace:worker:stopped",
  "millrace:worker:degraded",
  "millrace:worker:recovered",
  "millrace:worker:bridge",
  "millrace:worker:backlog",
  "millrace:job:started",
  "millrace:job:done",
  "millrace:job:retried",
  "millrace:job:aside",
  "millrace:job:unsettled",
];

// Held here, because node:diagnostics_channel holds a channel only weakly.
const channels = new Map<DiagnosticsName, Channel>(diagnosticsNames.map((name) => [name, channel(name)]));

/** Publishes on a diagnostics channel. It costs next to nothing while nobody listens. */
export function publish<Name extends DiagnosticsName>(name: Name, payload: () => Diagnostics[Name]): void {
  const target = channels.get(name);
  if (target?.hasSubscribers === true) target.publish(payload());
}

/** Listens to a diagnostics channel, with the payload's type. Dispose of what it returns to stop. */
export function subscribeDiagnostics<Name extends DiagnosticsName>(
  name: Name,
  listener: (payload: Diagnostics[Name]) => void,
): Disposable {
  // The channel carries what `publish` put on it, which is of this name's type.
  const untyped = (payload: unknown): void => listener(payload as Diagnostics[Name]);
  subscribe(name, untyped);
  return { [Symbol.dispose]: () => void unsubscribe(name, untyped) };
}

/** By error, the sessions in which it was published: an application may throw one and the same error in many. */
const reported = new WeakMap<Error, WeakSet<Connection>>();

/**
 * Publishes an application's failure, once for each error and session however many hear of it on
 * the way up.
 */
export function reportError(connection: Connection, error: Error, event: string, consumer?: string): void {
  const sessions = reported.get(error) ?? new WeakSet();
  const session = originOf(connection);
  if (sessions.has(session)) return;
  reported.set(error, sessions.add(session));
  publish("millrace:application:error", () => ({
    scope: connection.scope,
    error,
    event,
    ...(consumer === undefined ? {} : { consumer }),
  }));
}

/** Publishes that a message was too old when its turn came. */
export function reportExpired(channelName: string, message: LayerMessage): void {
  publish("millrace:message:expired", () => ({ channel: channelName, type: message.type }));
}
