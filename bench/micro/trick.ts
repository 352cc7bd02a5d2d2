/** Something that the path does to be fast, beside the plain way. Both do the same work each time they are called. */
export interface Trick {
  readonly name: string;
  /** What is done otherwise. */
  readonly otherwise: string;
  /** The ratio of times that it must not exceed. */
  readonly limit: number;
  withIt(): void | Promise<void>;
  without(): void | Promise<void>;
  /** Ends what it needed. */
  end?(): void;
}

/** How a trick is made ready. */
export type MakeTrick = () => Trick | Promise<Trick>;

/** How many sockets a message goes to. */
export const sockets = 1000;
