import { processorTime } from "../measure/processor-time.ts";
import { Latencies } from "../measure/latencies.ts";
import { type ClientOwner, LoadClient } from "./client.ts";
import { type DialectName, dialects } from "./dialect.ts";

/** Many who want to get in as soon as they can. */
export interface StormOptions {
  readonly port: number;
  readonly path: string;
  readonly dialect?: DialectName | undefined;
  readonly clients: number;
  /** How many connect at once: the next begins when one is in. */
  readonly atOnce: number;
  readonly serverPids: readonly number[];
}

/** What came of it. Times of processors are in microseconds. */
export interface StormOutcome {
  readonly clients: number;
  readonly seconds: number;
  readonly serverTime: number;
  /** Of the load generator itself. */
  readonly loadTime: number;
  /** From the moment in which a client begins to connect until it is in, as `Latencies` has them. */
  readonly latencies: readonly number[];
}

/** Looks only for those who are lost. */
class Host implements ClientOwner {
  #fail: ((error: Error) => void) | undefined;
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  lost(_client: LoadClient, reason: string): void {
    this.#fail?.(new Error(`A client was lost: ${reason}`));
  }

  reading(): void {}
  received(): void {}
  read(): void {}
}

/** Lets clients in, one after another at each of several doors, and cuts them all when the last is in. */
export async function storm({ clients, atOnce, serverPids, ...door }: StormOptions): Promise<StormOutcome> {
  const latencies = new Latencies();
  const inside: LoadClient[] = [];
  const [server, own] = [processorTime(serverPids), process.cpuUsage()];
  const start = performance.now();
  let left = clients;
  const owner = new Host();
  const enter = async (): Promise<void> => {
    while (left-- > 0) {
      const begun = performance.now();
      const target = { ...door, dialect: dialects[door.dialect ?? "plain"], index: left, marked: false };
      inside.push(await LoadClient.connect(target, owner));
      latencies.add(performance.now() - begun);
    }
  };
  try {
    await Promise.race([owner.failed, Promise.all(Array.from({ length: atOnce }, enter))]);
    const { user, system } = process.cpuUsage(own);
    return {
      clients: inside.length,
      seconds: (performance.now() - start) / 1000,
      serverTime: processorTime(serverPids) - server,
      loadTime: user + system,
      latencies: latencies.toJSON(),
    };
  } finally {
    for (const client of inside) client.close();
  }
}
