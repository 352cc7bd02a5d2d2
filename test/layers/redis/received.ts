import type { LayerMessage, Subscriber } from "millrace";

/** Keeps the messages that come to it. */
export class Received {
  readonly all: LayerMessage[] = [];
  readonly subscriber: Subscriber;
  #wake: () => void = () => {};

  /** @param handle is called with each message after it was kept. */
  constructor(handle: Subscriber = () => {}) {
    this.subscriber = (message, expiresAt) => {
      this.all.push(message);
      this.#wake();
      return handle(message, expiresAt);
    };
  }

  /** Takes the first `count` away, when they are there. */
  async take(count: number): Promise<LayerMessage[]> {
    while (this.all.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.all.splice(0, count);
  }

  async next(): Promise<LayerMessage | undefined> {
    return (await this.take(1))[0];
  }

  /** Takes messages away up to the first that fits, and gives that. */
  async until(fits: (message: LayerMessage) => boolean): Promise<LayerMessage> {
    for (;;) {
      const [message] = await this.take(1);
      if (message !== undefined && fits(message)) return message;
    }
  }
}
