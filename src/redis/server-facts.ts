import type { Redis } from "ioredis";
import type { RedisNode } from "./hosts.ts";
import { makeClient } from "./client.ts";
import type { ServerEndpoint } from "./endpoint.ts";
import { isReply, isReplyOf, refused, unavailable } from "./faults.ts";
import type { ConnectionSettings } from "./options.ts";

/** What a Redis server says of itself. What the user may not ask is missing. */
export interface ServerFacts {
  /** Where it is, for people. */
  readonly address: string;
  /** The lines of `INFO`. */
  readonly info: ReadonlyMap<string, string>;
  /** The settings that were asked for. */
  readonly config: ReadonlyMap<string, string>;
  /** How its clock goes beside that of this machine, in milliseconds. */
  readonly clock: ClockDifference | undefined;
  /** The masters of its cluster; empty where there is none. */
  readonly masters: ReadonlyArray<Required<RedisNode>>;
  /** Whether its cluster serves all slots; `undefined` where there is none. */
  readonly clusterIsWell: boolean | undefined;
  /** What the user may not do of what was asked about, in Redis' words; `undefined` where it does not tell. */
  readonly refusals: readonly string[] | undefined;
}

/** By how much a server's clock is ahead of this machine's, and how wrong that may be. */
export interface ClockDifference {
  readonly ahead: number;
  readonly uncertainty: number;
}

/** What to ask a server. */
export interface ServerQuestions {
  /** The names of settings. */
  readonly settings: readonly string[];
  /** Commands with their arguments, which the user should be allowed; they are not carried out. */
  readonly rights: ReadonlyArray<readonly [string, ...string[]]>;
}

/**
 * Asks one server what it is like, over a connection of its own.
 *
 * @throws MillraceError `ERR_LAYER_UNAVAILABLE` when it can't be reached, `ERR_REDIS` when it refuses the login.
 */
export async function readServerFacts(
  endpoint: ServerEndpoint,
  settings: ConnectionSettings,
  questions: ServerQuestions,
): Promise<ServerFacts> {
  const purpose = { name: "millrace-doctor", answerTimeout: settings.probeTimeout };
  // A client of a server is a Redis, of which a Cluster has many.
  const client = makeClient(endpoint, settings, purpose) as Redis;
  let reason: Error | undefined;
  client.on("error", (error: Error) => (reason ??= error));
  try {
    await client.connect();
    if (reason !== undefined) throw reason;
    return await new Interview(client, endpoint).facts(questions);
  } catch (thrown) {
    throw unavailable(endpoint.address, reason ?? thrown);
  } finally {
    client.disconnect();
  }
}

/** Asks one server, which may refuse each question. */
class Interview {
  readonly #client: Redis;
  readonly #endpoint: ServerEndpoint;

  constructor(client: Redis, endpoint: ServerEndpoint) {
    this.#client = client;
    this.#endpoint = endpoint;
  }

  async facts({ settings, rights }: ServerQuestions): Promise<ServerFacts> {
    const info = fields(await this.#ask("INFO", "everything"));
    const isCluster = info.get("cluster_enabled") === "1";
    const state = isCluster ? await this.#ask("CLUSTER", "INFO") : undefined;
    return {
      address: this.#endpoint.address,
      info,
      config: await this.#config(settings),
      clock: await this.#clock(),
      masters: isCluster ? mastersIn(await this.#ask("CLUSTER", "SLOTS"), this.#endpoint.host) : [],
      clusterIsWell: typeof state === "string" ? state.includes("cluster_state:ok") : undefined,
      refusals: await this.#refusals(rights),
    };
  }

  async #config(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    // One by one: an old Redis takes one name, and of a managed one some may be hidden.
    const answers = await Promise.all(names.map((name) => this.#ask("CONFIG", "GET", name)));
    const config = new Map<string, string>();
    for (const answer of answers) {
      if (Array.isArray(answer) && answer.length === 2) config.set(String(answer[0]), String(answer[1]));
    }
    return config;
  }

  /** Of a few attempts the one that took the least time says most. */
  async #clock(): Promise<ClockDifference | undefined> {
    let best: ClockDifference | undefined;
    for (let attempts = 0; attempts < 3; attempts++) {
      const asked = Date.now();
      const time = await this.#ask("TIME");
      const answered = Date.now();
      if (!Array.isArray(time)) return undefined;
      const server = Number(time[0]) * 1000 + Number(time[1]) / 1000;
      const uncertainty = (answered - asked) / 2 + 1;
      const difference = { ahead: server - (asked + answered) / 2, uncertainty };
      if (best === undefined || uncertainty < best.uncertainty) best = difference;
    }
    return best;
  }

  async #refusals(rights: ServerQuestions["rights"]): Promise<readonly string[] | undefined> {
    const user = await this.#ask("ACL", "WHOAMI");
    if (typeof user !== "string") return undefined;
    const answers = await Promise.all(
      rights.map(([command, ...args]) => this.#ask("ACL", "DRYRUN", user, command, ...args)),
    );
    if (answers.includes(undefined)) return undefined;
    return [...new Set(answers.map(String).filter((answer) => answer !== "OK"))];
  }

  /** The answer, or nothing where the user may not ask or the server does not know the question. */
  async #ask(command: string, ...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#client.call(command, [...args]);
    } catch (error) {
      if (!isReply(error)) throw error;
      if (isReplyOf(error, "NOAUTH")) throw refused(this.#endpoint.address, error);
      return undefined;
    }
  }
}

function fields(text: unknown): ReadonlyMap<string, string> {
  const lines = typeof text === "string" ? text.split("\r\n") : [];
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(":");
      return at === -1 || line.startsWith("#") ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** The first server of each range of slots is its master; one without a name is who was asked. */
function mastersIn(slots: unknown, asked: string): ReadonlyArray<Required<RedisNode>> {
  const masters = new Map<string, Required<RedisNode>>();
  // An answer of Redis is unknown until it is read here: [first slot, last slot, [host, port, …], …].
  for (const [, , master] of (Array.isArray(slots) ? slots : []) as ReadonlyArray<readonly unknown[]>) {
    if (!Array.isArray(master)) continue;
    const host = typeof master[0] === "string" && master[0] !== "" ? master[0] : asked;
    const port = Number(master[1]);
    masters.set(`${host}:${port}`, { host, port });
  }
  return [...masters.values()];
}
