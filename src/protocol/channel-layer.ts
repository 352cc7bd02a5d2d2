import type { LayerMessage, MessageFor } from "./message.ts";

/**
 * Takes one message. `undefined` means handled; a promise settles when it is. It MUST NOT throw
 * and its promise MUST NOT reject.
 *
 * A layer that lost a connection, or receives again, tells each channel of `newChannel` by a message
 * `layer.degraded` or `layer.recovered` of its own.
 *
 * @param message is frozen and shared with other receivers.
 * @param expiresAt is when the message is no longer wanted, in milliseconds since 1970. Whoever
 *   keeps it waiting drops it then, and publishes `millrace:message:expired`.
 */
export type Subscriber = (message: LayerMessage, expiresAt: number) => void | Promise<void>;

/** A channel that somebody in this process receives. */
export interface Channel {
  readonly name: string;
  /**
   * Receives no more. A channel made by `newChannel` leaves every group that it is in, and what
   * waits on it is dropped. A named channel keeps its groups and what waits, for other receivers or
   * later ones. Closing twice does nothing.
   */
  close(): void | Promise<void>;
}

/** What is known of a group message after it was sent. */
export interface GroupSendReport {
  /** The processes that the message was handed to. */
  readonly processes: number;
  /** The members whose process took the message; `undefined` when the layer can't know. */
  readonly delivered: number | undefined;
  /** The members, or processes, that did not get it because they were full. */
  readonly overCapacity: number;
}

/** The oldest first: a pattern of channel names, by glob or by expression, and their capacity. */
export type ChannelCapacity =
  | Readonly<Record<string, number>>
  | ReadonlyArray<readonly [pattern: string | RegExp, capacity: number]>;

/** Options that every layer takes. */
export interface ChannelLayerOptions {
  /** For how many seconds a message may wait to be received. @default 60 */
  readonly expiry?: number;
  /**
   * For how many seconds a membership lasts. Members that live in this process are renewed for as
   * long as they live. @default 86400
   */
  readonly groupExpiry?: number;
  /** How many messages may wait on one channel. @default 100 */
  readonly capacity?: number;
  /**
   * Other capacities for some channels, by glob (`*`, `?`, `[abc]`, `[!abc]`, over the whole name)
   * or by regular expression (from the name's start). The first that matches counts.
   */
  readonly channelCapacity?: ChannelCapacity;
  /**
   * How many bytes a message may have, counted as MessagePack whatever the layer makes of it. A
   * larger one is refused before anybody gets it. The default leaves room for what stands beside
   * the longest text that a server takes from a client. @default 1114112
   */
  readonly maxMessageSize?: number;
}

/**
 * Carries messages between the consumers of one process or of many. Every layer promises this, and
 * the conformance suite in `millrace/testing` checks it:
 *
 * - **Once.** A message reaches each receiver at most once.
 * - **In order.** Messages of one sender to one channel or group arrive in the order sent. In one
 *   process all members of a group see one and the same order, whoever sent; a send made while a
 *   message is being delivered is delivered after it.
 * - **Or somebody is told.** What a full channel refuses is an error for `send`, a figure in the
 *   report of `groupSend`, and a `millrace:layer:over-capacity` diagnostic. What expires before it
 *   was handled is a `millrace:message:expired` diagnostic.
 * - **Never by halves.** A message that can't travel is refused with `ERR_INVALID_MESSAGE`, and one
 *   that is too large with `ERR_MESSAGE_TOO_LARGE`, before anybody gets it. A receiver's failure reaches neither the sender nor the other receivers.
 * - **Sending never waits for handlers**, only until the message is handed over.
 *
 * Names follow {@link checkChannelName} and {@link checkGroupName} (`ERR_INVALID_NAME`). After
 * `close`, everything but `close` rejects with `ERR_LAYER_CLOSED`.
 */
export interface ChannelLayer {
  /** What the layer is called in tables and diagnostics: `"memory"`, `"redis"`. */
  readonly kind: string;
  /** How many messages may wait on a channel for which no pattern says otherwise, where there is a bound. */
  readonly capacity?: number;

  /**
   * Makes a channel with a name of its own that this process alone receives. The subscriber gets
   * each message at once, so that its mailbox can order it among other events; what it has not yet
   * handled counts against the channel's capacity.
   *
   * @param prefix stands at the front of the name, behind the layer's own prefix where that is part
   *   of channels' names. @default "specific"
   */
  newChannel(subscriber: Subscriber, prefix?: string): Channel | Promise<Channel>;

  /**
   * Receives a channel by its name, which has no `!`: what already waits first, one message at a
   * time. Where a channel has several receivers each message goes to one of them.
   */
  subscribe(channel: string, subscriber: Subscriber): Channel | Promise<Channel>;

  /**
   * Sends to one channel.
   *
   * @throws MillraceError `ERR_CHANNEL_FULL` when the channel is full, `ERR_CHANNEL_CLOSED` when
   *   it was local to this process and has ended.
   */
  send<Consumer = unknown>(channel: string, message: MessageFor<Consumer>): Promise<void>;

  /**
   * Adds a channel to a group; adding it again renews it.
   *
   * @throws MillraceError `ERR_CHANNEL_CLOSED` when the channel was local to this process and has
   *   ended.
   */
  groupAdd(group: string, channel: string): Promise<void>;

  /** Takes a channel out of a group. It need not be in it. */
  groupDiscard(group: string, channel: string): Promise<void>;

  /**
   * Sends to every member of a group. With a consumer's class as its type argument, a misspelt
   * type or a wrong payload does not compile. Full members never make it reject; the report
   * counts them.
   */
  groupSend<Consumer = unknown>(group: string, message: MessageFor<Consumer>): Promise<GroupSendReport>;

  /**
   * Reaches for what the layer stands on, for those who want to know at start whether it is there.
   * A layer that needs nothing has no such method; others reach for it when first used.
   *
   * @throws MillraceError when it is not there.
   */
  connect?(): Promise<void>;

  /** Drops all messages that wait and all groups; channels stay open. */
  flush(): Promise<void>;

  /** Ends the layer and lets go of all that it holds. Closing twice does nothing. */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;

  /** `groupAdd` by the name that it has in Python. */
  group_add(group: string, channel: string): Promise<void>;
  /** `groupDiscard` by the name that it has in Python. */
  group_discard(group: string, channel: string): Promise<void>;
  /** `groupSend` by the name that it has in Python. */
  group_send<Consumer = unknown>(group: string, message: MessageFor<Consumer>): Promise<GroupSendReport>;
}
