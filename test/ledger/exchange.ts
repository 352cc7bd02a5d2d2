/**
 * What became of a message for the one who sent it: the layer's report came, or it was refused, or
 * nobody knows.
 */
export type Outcome = "reported" | "refused" | "unknown";

/** An interval of which a member was told that messages sent in it may be missing. */
export interface Interval {
  readonly since: number;
  readonly until: number;
}

/** The answer to a message that a client sent: when it was given to the layer, and what became of it. */
export interface Answer {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: Outcome;
}

/** What a consumer tells its client. */
export type FromServer = Answer | Interval | { readonly heard: string };

/** An interval that a layer of a process told. */
export interface LayerInterval extends Interval {
  readonly layer: string;
}

/** What a process tells the test. */
export type FromProcess = { readonly port: number } | LayerInterval | { readonly trouble: string };
