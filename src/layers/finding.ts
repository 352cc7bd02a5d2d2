/** How a check ended. `unknown`: Redis may not be asked. */
export type FindingLevel = "ok" | "warning" | "error" | "unknown";

/** What one check of a Redis found. */
export interface Finding {
  /** The setting, or what else was looked at. */
  readonly check: string;
  /** `error`: messages would be lost. `warning`: something may hurt. */
  readonly level: FindingLevel;
  /** What was found, and what it means where that is bad; without a full stop. */
  readonly text: string;
  /** What to do about it; without a full stop. */
  readonly remedy?: string;
}

/** What is examined, as far as checks depend on it. */
export interface Examined {
  /** The kind of the layer. */
  readonly layer: string;
  readonly prefix: string;
  /** Whether the server was named itself, or is whom sentinels or a cluster name. */
  readonly via: "server" | "sentinel" | "cluster";
}

/** Whether a layer keeps messages in Redis. */
export function isCore({ layer }: Examined): boolean {
  return layer === "redis+core";
}
