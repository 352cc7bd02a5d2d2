import { Redis } from "ioredis";
import { toError } from "../protocol/errors.ts";
import type { SentinelEndpoint, ServerEndpoint } from "./endpoint.ts";
import { isReply } from "./faults.ts";
import type { ConnectionSettings } from "./options.ts";

/** What sentinels say when they are asked. */
interface Poll {
  /** The address of the master, as `host:port`, that most of those name who answered. */
  readonly master: string | undefined;
  /** Whether more than half of all sentinels name it. */
  readonly decided: boolean;
}

/** Asks sentinels who the master is. */
export class Sentinels {
  readonly #endpoint: SentinelEndpoint;
  readonly #settings: ConnectionSettings;
  readonly #clients = new Map<number, Redis>();
  #failure: unknown;
  #closed = false;

  constructor(endpoint: SentinelEndpoint, settings: ConnectionSettings) {
    this.#endpoint = endpoint;
    this.#settings = settings;
  }

  /** The server to connect to: the master. Without more than half of the sentinels, the others are believed. */
  async findMaster(): Promise<ServerEndpoint> {
    const { master } = await this.#poll();
    if (master === undefined) throw this.#reason();
    const { username, password, db, tls } = this.#endpoint;
    const at = master.lastIndexOf(":");
    const [host, port] = [master.slice(0, at), Number(master.slice(at + 1))];
    return { kind: "server", address: master, host, port, path: undefined, username, password, db, tls };
  }

  /** The address of the master that more than half of the sentinels name; `undefined` when they don't. */
  async decided(): Promise<string | undefined> {
    const { master, decided } = await this.#poll();
    return decided ? master : undefined;
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#clients.values()) client.disconnect();
    this.#clients.clear();
  }

  /** Settles as soon as it is decided, or all have answered or failed to. */
  #poll(): Promise<Poll> {
    const { sentinels } = this.#endpoint;
    const votes = new Map<string, number>();
    this.#failure = undefined;
    return new Promise((resolve) => {
      let asked = 0;
      for (const index of sentinels.keys()) {
        void this.#askOne(index).then((address) => {
          const count = address === undefined ? 0 : (votes.get(address) ?? 0) + 1;
          if (address !== undefined) votes.set(address, count);
          if (count * 2 > sentinels.length) resolve({ master: address, decided: true });
          else if (++asked === sentinels.length) resolve({ master: winner(votes), decided: false });
        });
      }
    });
  }

  #reason(): Error {
    const failure = this.#failure;
    if (failure === undefined) return new Error("the sentinels know no master of that name");
    return isReply(failure)
      ? failure
      : new Error(`no sentinel answers: ${toError(failure).message}`, { cause: failure });
  }

  async #askOne(index: number): Promise<string | undefined> {
    try {
      const client = this.#client(index);
      const answer: unknown = await client?.call("SENTINEL", ["GET-MASTER-ADDR-BY-NAME", this.#endpoint.name]);
      return Array.isArray(answer) ? answer.join(":") : undefined;
    } catch (error) {
      // One that does not answer has no vote; the others have. The event before tells more than the rejection.
      this.#failure ??= error;
      return undefined;
    }
  }

  /** The connection to a sentinel; another one where the last has ended. */
  #client(index: number): Redis | undefined {
    const node = this.#endpoint.sentinels[index];
    if (this.#closed || node === undefined) return undefined;
    const present = this.#clients.get(index);
    if (present !== undefined) return present;
    const client = new Redis({
      ...node,
      username: this.#endpoint.sentinelUsername,
      password: this.#endpoint.sentinelPassword,
      tls: this.#endpoint.sentinelTls,
      connectionName: "millrace-sentinels",
      disableClientInfo: true,
      lazyConnect: true,
      retryStrategy: null,
      enableReadyCheck: false,
      connectTimeout: this.#settings.connectTimeout,
      disconnectTimeout: 100,
      socketTimeout: this.#settings.probeTimeout,
    });
    this.#clients.set(index, client);
    client.on("error", (error: Error) => (this.#failure = error));
    client.once("end", () => {
      if (this.#clients.get(index) === client) this.#clients.delete(index);
    });
    return client;
  }
}

/** Of as many votes for several, the first that was named. */
function winner(votes: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  for (const [address, count] of votes) {
    if (best === undefined || count > (votes.get(best) ?? 0)) best = address;
  }
  return best;
}
