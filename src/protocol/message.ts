/**
 * What a message may hold: whatever JSON can say, integers of 64 bits, and bytes. It arrives the same
 * on every layer: a bigint that a number holds exactly arrives as a number, and a property that is
 * `undefined` does not arrive.
 */
export type LayerValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly LayerValue[]
  | { readonly [key: string]: LayerValue };

/**
 * A message between consumers. Its `type` names the handler: `chat.message` calls `chat_message`.
 * Receivers get it frozen, because all members of a group in one process share one copy.
 */
export interface LayerMessage {
  readonly type: string;
  readonly [key: string]: LayerValue;
}

type Dotted<Name extends string> = Name extends `${infer Head}_${infer Rest}` ? `${Head}.${Dotted<Rest>}` : Name;

type Reserved = `_${string}` | `websocket_${string}` | `http_${string}` | `layer_${string}` | "channel_disconnect";

type HandlerName<Consumer> = {
  [Name in keyof Consumer & string]: Name extends Reserved
    ? never
    : Name extends `${string}_${string}`
      ? Consumer[Name] extends (event: never) => unknown
        ? Name
        : never
      : never;
}[keyof Consumer & string];

/** Each case of a union by itself: `Omit` of the whole would keep only what all cases share. */
type WithoutType<Event> = unknown extends Event
  ? { readonly [key: string]: LayerValue }
  : Event extends unknown
    ? Omit<Event, "type">
    : never;

type Payload<Handler> = Handler extends (...event: infer Parameters) => unknown
  ? Parameters extends readonly []
    ? unknown
    : WithoutType<Exclude<Parameters[0], undefined>>
  : never;

/**
 * The messages that a consumer's handlers take: for `xxx_ooo(event: { message: string })` it is
 * `{ type: "xxx.ooo"; message: string }`.
 */
export type MessageOf<Consumer> = {
  [Name in HandlerName<Consumer>]: { readonly type: Dotted<Name> } & Payload<Consumer[Name]>;
}[HandlerName<Consumer>];

/**
 * {@link MessageOf} where a consumer is named, and any message where none is. A consumer is never
 * guessed from a message.
 */
export type MessageFor<Consumer> = NoInfer<unknown extends Consumer ? LayerMessage : MessageOf<Consumer>>;
