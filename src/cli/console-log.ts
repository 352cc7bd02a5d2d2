import { type Diagnostics, type DiagnosticsName, subscribeDiagnostics } from "../protocol/diagnostics.ts";
import type { Scope } from "../protocol/scope.ts";
import { counted } from "./columns.ts";
import { stackText } from "./complaint.ts";
import { RateLimit } from "./rate-limit.ts";
import { printable, type Terminal } from "./terminal.ts";

/** How many lines of one kind are printed in a second. */
const linesPerSecond = 10;

/** Where things are logged. */
export interface ConsoleLogOptions {
  /** Takes failures and warnings. */
  readonly errors: Terminal;
  /** Takes the access log; without it there is none. */
  readonly access?: Terminal | undefined;
}

/**
 * Prints what happens while an application is served: each failure with its stack, each loss as a
 * line, and each response and socket where the access log is wanted. Of one kind at most ten are
 * printed in a second and the others counted; the access log is printed whole. Query strings are
 * never printed, because secrets travel in them.
 */
export function logDiagnostics({ errors, access }: ConsoleLogOptions): Disposable {
  const log = new DiagnosticsLog(errors);
  log.fail("millrace:application:error", failure);
  log.fail("millrace:layer:error", ({ layer, error }) => [`The channel layer ${layer} failed`, error]);
  log.warn("millrace:consumer:unhandled", unhandled);
  log.warn("millrace:consumer:abandoned", abandoned);
  log.warn("millrace:layer:over-capacity", overCapacity);
  log.warn(
    "millrace:layer:degraded",
    ({ layer, reason, since }) => `The channel layer ${layer} may miss messages since ${clock(since)}: ${reason}`,
  );
  log.warn(
    "millrace:layer:recovered",
    ({ layer, since, until }) =>
      `The channel layer ${layer} is well again; messages from ${clock(since)} to ${clock(until)} may be missing`,
  );
  log.warn(
    "millrace:message:expired",
    ({ channel, type }) => `A message of type ${quoted(type)} expired on ${channel}`,
  );
  log.warn("millrace:job:retried", retried);
  log.warn("millrace:job:aside", setAside);
  log.warn("millrace:job:unsettled", unsettled);
  log.warn("millrace:worker:degraded", ({ reason }) => `The worker has lost Redis, and takes no jobs: ${reason}`);
  log.warn(
    "millrace:worker:recovered",
    ({ since, until }) =>
      `The worker has Redis again; what Python published to its channels from ${clock(since)} to ${clock(until)} may be missing`,
  );
  log.warn("millrace:worker:stopped", givenBack);
  log.warn("millrace:websocket:dropped", dropped);
  log.warn("millrace:websocket:paused", paused);
  log.warn("millrace:websocket:refused", undecided);
  log.warn("millrace:server:closed", forced);
  if (access !== undefined) {
    log.tell(access, "millrace:http:response", response);
    log.tell(access, "millrace:websocket:open", ({ scope }) => `${peer(scope)} WS ${place(scope)} open`);
    log.tell(access, "millrace:websocket:close", closed);
    log.tell(
      access,
      "millrace:websocket:refused",
      ({ path, status, reason }) => `WS ${withoutQuery(path)} refused ${status} ${reason}`,
    );
  }
  return log;
}

/** Subscribes to diagnostics and prints what their lines say; an `undefined` line is not printed. */
class DiagnosticsLog implements Disposable {
  readonly #errors: Terminal;
  readonly #limit: RateLimit<DiagnosticsName>;
  readonly #subscriptions: Disposable[] = [];

  constructor(errors: Terminal) {
    this.#errors = errors;
    this.#limit = new RateLimit(linesPerSecond, (name, count) =>
      errors.print(errors.yellow(`… and ${count} more within a second (${name})`)),
    );
  }

  fail<Name extends DiagnosticsName>(name: Name, text: (payload: Diagnostics[Name]) => [string, Error]): void {
    this.#on(name, (payload) => {
      if (!this.#limit.allows(name)) return;
      const [line, error] = text(payload);
      this.#errors.print(`${this.#errors.red(printable(line))}\n${stackText(error)}`);
    });
  }

  warn<Name extends DiagnosticsName>(name: Name, text: (payload: Diagnostics[Name]) => string | undefined): void {
    this.#on(name, (payload) => {
      const line = text(payload);
      if (line !== undefined && this.#limit.allows(name)) this.#errors.print(this.#errors.yellow(printable(line)));
    });
  }

  tell<Name extends DiagnosticsName>(to: Terminal, name: Name, text: (payload: Diagnostics[Name]) => string): void {
    this.#on(name, (payload) => to.print(printable(text(payload))));
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    this.#limit.close();
  }

  #on<Name extends DiagnosticsName>(name: Name, listener: (payload: Diagnostics[Name]) => void): void {
    this.#subscriptions.push(subscribeDiagnostics(name, listener));
  }
}

/** In UTC, because several machines may print of the same moment. */
function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}

function failure({ scope, error, event, consumer }: Diagnostics["millrace:application:error"]): [string, Error] {
  const doing = event === "" ? "" : ` in ${event}`;
  return [`${consumer ?? "The application"} failed${doing} (${place(scope)})`, error];
}

function unhandled({ consumer, type, reason }: Diagnostics["millrace:consumer:unhandled"]): string {
  return `${consumer} dropped a message of type ${quoted(type)}: ${reason}`;
}

function abandoned({ consumer, event, dropped: lost }: Diagnostics["millrace:consumer:abandoned"]): string {
  return `${consumer} was still handling ${event} when its grace was over; ${counted(lost, "event")} dropped`;
}

function overCapacity({ layer, target, type, members }: Diagnostics["millrace:layer:over-capacity"]): string {
  return `The channel layer ${layer} is over capacity: ${counted(members, "member")} of ${target} did not get ${quoted(type)}`;
}

function retried({ channel, id, type, attempt, delay, error }: Diagnostics["millrace:job:retried"]): string {
  const next = `it is tried again in ${(delay / 1000).toFixed(1)} s`;
  return `The job ${id} of ${channel} (${quoted(type)}) failed at its try ${attempt}, and ${next}: ${error.message}`;
}

function setAside({ channel, id, attempts, error }: Diagnostics["millrace:job:aside"]): string {
  return `The job ${id} of ${channel} was set aside after ${counted(attempts, "try", "tries")}: ${error.message} See millrace jobs ${channel} --show ${id}`;
}

function unsettled({ channel, id, reason }: Diagnostics["millrace:job:unsettled"]): string {
  const why = {
    "taken over": "this process stood still for longer than the lease, and another worker runs it",
    "not recorded": "Redis was away until the worker stopped, so it may run again",
    "given back": "it did not end in time when the worker stopped, and another runs it",
  }[reason];
  return `The end of the job ${id} of ${channel} is not recorded: ${why}`;
}

function givenBack({ unfinished }: Diagnostics["millrace:worker:stopped"]): string | undefined {
  return unfinished === 0 ? undefined : `${counted(unfinished, "job")} had to be given back`;
}

function dropped({ scope, reason, messages }: Diagnostics["millrace:websocket:dropped"]): string | undefined {
  // Its sender wanted it so.
  if (reason === "replaced") return undefined;
  const why = reason === "full" ? "the client reads too slowly" : "the socket is closed";
  return `${counted(messages, "message")} not sent (${place(scope)}): ${why}`;
}

function paused({ scope, paused: isPaused }: Diagnostics["millrace:websocket:paused"]): string | undefined {
  return isPaused ? `A socket is not read from, because its consumer is behind (${place(scope)})` : undefined;
}

/** Refusals are the application's affair, but for this one. */
function undecided({ path, status, reason }: Diagnostics["millrace:websocket:refused"]): string | undefined {
  return status === 504 ? `A socket was refused with 504 (${withoutQuery(path)}): ${reason}` : undefined;
}

function forced({ forced: cut }: Diagnostics["millrace:server:closed"]): string | undefined {
  return cut === 0 ? undefined : `${counted(cut, "connection")} had to be cut`;
}

function response({ scope, status, milliseconds }: Diagnostics["millrace:http:response"]): string {
  const method = scope.type === "http" ? scope.method : "";
  return `${peer(scope)} ${method} ${place(scope)} ${status === 0 ? "broken off" : status} ${milliseconds.toFixed(1)} ms`;
}

function closed({ scope, code, reason }: Diagnostics["millrace:websocket:close"]): string {
  return `${peer(scope)} WS ${place(scope)} closed ${code} ${reason}`.trimEnd();
}

function place(scope: Scope): string {
  if (scope.type === "channel") return scope.channel;
  return scope.type === "lifespan" ? "lifespan" : scope.path;
}

function peer(scope: Scope): string {
  return scope.type === "http" || scope.type === "websocket" ? scope.client.address : "-";
}

/** A handshake that is refused at once is told of with its target as it was sent. */
function withoutQuery(target: string): string {
  return target.replace(/\?.*$/s, "");
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
