import type {
  Channel,
  ChannelLayer,
  ChannelLayerOptions,
  GroupSendReport,
  Subscriber,
} from "../protocol/channel-layer.ts";
import { publish } from "../protocol/diagnostics.ts";
import { MillraceError, toError } from "../protocol/errors.ts";
import type { LayerMessage, MessageFor } from "../protocol/message.ts";
import { checkChannelName, checkGroupName } from "../protocol/names.ts";
import { sealMessage } from "./message.ts";
import { checkMessageSize } from "./codec/message-size.ts";
import { type LayerSettings, readOptions } from "./options.ts";

/**
 * What all layers share: options, names and messages are checked here once, and nothing but `close`
 * goes on after the end. A layer of its own says how messages and memberships are kept.
 */
export abstract class BaseChannelLayer implements ChannelLayer {
  abstract readonly kind: string;

  readonly capacity: number;
  protected readonly settings: LayerSettings;
  #closed = false;
  #closing: Promise<void> | undefined;

  /**
   * @param ownOptions are the names of the options that a layer takes beside the shared ones.
   * @throws MillraceError `ERR_INVALID_OPTION`.
   */
  constructor(options: ChannelLayerOptions = {}, ownOptions: readonly string[] = []) {
    this.settings = readOptions(options, ownOptions);
    this.capacity = this.settings.capacity;
  }

  newChannel(subscriber: Subscriber, prefix = "specific"): Channel | Promise<Channel> {
    this.assertOpen();
    checkSubscriber(subscriber);
    checkGroupName(prefix);
    return this.openChannel(subscriber, prefix);
  }

  subscribe(channel: string, subscriber: Subscriber): Channel | Promise<Channel> {
    this.assertOpen();
    checkSubscriber(subscriber);
    checkNamedChannel(channel);
    return this.openNamedChannel(channel, subscriber);
  }

  async send<Consumer = unknown>(channel: string, message: MessageFor<Consumer>): Promise<void> {
    this.assertOpen();
    checkChannelName(channel);
    return this.sendSealed(channel, this.#seal(message));
  }

  async groupAdd(group: string, channel: string): Promise<void> {
    this.assertOpen();
    checkGroupName(group);
    checkChannelName(channel);
    return this.addMember(group, channel);
  }

  async groupDiscard(group: string, channel: string): Promise<void> {
    this.assertOpen();
    checkGroupName(group);
    checkChannelName(channel);
    return this.removeMember(group, channel);
  }

  async groupSend<Consumer = unknown>(group: string, message: MessageFor<Consumer>): Promise<GroupSendReport> {
    this.assertOpen();
    checkGroupName(group);
    return this.groupSendSealed(group, this.#seal(message));
  }

  async flush(): Promise<void> {
    this.assertOpen();
    return this.discardAll();
  }

  close(): Promise<void> {
    // First, so that nothing new comes in while the layer lets go.
    this.#closed = true;
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  group_add(group: string, channel: string): Promise<void> {
    return this.groupAdd(group, channel);
  }

  group_discard(group: string, channel: string): Promise<void> {
    return this.groupDiscard(group, channel);
  }

  group_send<Consumer = unknown>(group: string, message: MessageFor<Consumer>): Promise<GroupSendReport> {
    return this.groupSend<Consumer>(group, message);
  }

  protected abstract openChannel(subscriber: Subscriber, prefix: string): Channel | Promise<Channel>;
  protected abstract openNamedChannel(channel: string, subscriber: Subscriber): Channel | Promise<Channel>;
  protected abstract sendSealed(channel: string, message: LayerMessage): void | Promise<void>;
  protected abstract addMember(group: string, channel: string): void | Promise<void>;
  protected abstract removeMember(group: string, channel: string): void | Promise<void>;
  protected abstract groupSendSealed(group: string, message: LayerMessage): GroupSendReport | Promise<GroupSendReport>;
  /** Drops all messages that wait and all groups. */
  protected abstract discardAll(): void | Promise<void>;
  /** Lets go of everything, once. */
  protected abstract release(): void | Promise<void>;

  /** @throws MillraceError `ERR_LAYER_CLOSED`. */
  protected assertOpen(): void {
    if (!this.#closed) return;
    throw new MillraceError("ERR_LAYER_CLOSED", {
      happened: `The channel layer (${this.kind}) has been closed`,
      remedy: "Use it before close(), or make another",
    });
  }

  #seal(message: unknown): LayerMessage {
    const sealed = sealMessage(message);
    checkMessageSize(sealed, this.settings.maxMessageSize, "The message");
    return sealed;
  }

  async #end(): Promise<void> {
    await this.release();
  }

  /** Publishes that a channel, or `members` of a group, did not get a message because they were full. */
  protected reportOverCapacity(target: string, message: LayerMessage, members: number): void {
    publish("millrace:layer:over-capacity", () => ({ layer: this.kind, target, type: message.type, members }));
  }

  /** Publishes a failure of which no caller hears. */
  protected reportFailure(thrown: unknown): void {
    publish("millrace:layer:error", () => ({ layer: this.kind, error: toError(thrown) }));
  }
}

/** What `send` rejects with when a channel is full. */
export function channelFull(channel: string): MillraceError {
  return new MillraceError("ERR_CHANNEL_FULL", {
    happened: `The channel ${channel} is full, and the message was not sent`,
    remedy: "Send less, let its receiver handle messages faster, or raise capacity or channelCapacity",
  });
}

/** What a channel that is local to this process and has ended is answered with. */
export function channelClosed(channel: string): MillraceError {
  return new MillraceError("ERR_CHANNEL_CLOSED", {
    happened: `Nobody receives the channel ${channel}: its consumer has ended, or belongs to another layer`,
    remedy: "Forget the name, or send to a group, which its members leave by themselves",
  });
}

function checkSubscriber(subscriber: unknown): void {
  if (typeof subscriber === "function") return;
  throw new MillraceError("ERR_INVALID_OPTION", {
    happened: "That can't receive messages",
    got: subscriber,
    wanted: "a function (message, expiresAt) => void",
  });
}

function checkNamedChannel(channel: string): void {
  checkChannelName(channel);
  if (!channel.includes("!")) return;
  throw new MillraceError("ERR_INVALID_NAME", {
    happened: "A process-local channel can't be subscribed to",
    got: channel,
    wanted: "a name without '!'",
    remedy: "newChannel makes channels of this process, with their receiver",
  });
}
