import type { Latencies } from "../measure/latencies.ts";
import type { ClientOwner } from "./client.ts";

/** What clients do with what comes. */
export interface Work extends Omit<ClientOwner, "lost"> {
  /** Sends for a while, and settles when all that was sent has come back. */
  run(): Promise<void>;
  readonly sent: number;
  /** How many messages have arrived at a client, and how many of those came compressed. */
  readonly deliveries: number;
  readonly compressed: number;
  readonly latencies: Latencies;
  /** For those who ask why it does not end. */
  readonly missing: string;
}
