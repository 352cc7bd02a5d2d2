/** What clients are to send. */
export interface Traffic {
  /**
   * `room`: the members of a room send in their turn, and each message goes to all. `echo`: each
   * client sends for itself.
   *
   * @default "room"
   */
  readonly kind?: "room" | "echo";
  readonly seconds: number;
  /** Of a text, in bytes; what a protocol puts around it comes on top. */
  readonly size: number;
  /** How many messages may be on their way at once: of a room, or of each client that is echoed. */
  readonly window: number;
  /** Messages a second, of all together; without it the next is sent as soon as the window lets it. */
  readonly rate?: number | undefined;
}

/** What came of it. Times of processors are in microseconds. */
export interface Outcome {
  readonly messages: number;
  /** Counted where they arrived. */
  readonly deliveries: number;
  /** How many of them came compressed. */
  readonly compressed: number;
  readonly seconds: number;
  readonly serverTime: number;
  readonly redisTime: number;
  /** Of the load generator itself. */
  readonly loadTime: number;
  /** From the moment in which a message was sent to its arrival at each member, as `Latencies` has them. */
  readonly latencies: readonly number[];
}

/** The server's processor time for each message that arrived, in microseconds. */
export function timePerDelivery({ serverTime, deliveries }: Outcome): number {
  return serverTime / deliveries;
}
