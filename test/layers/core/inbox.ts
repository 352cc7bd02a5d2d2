import type { LayerMessage } from "millrace";

/** Keeps what a channel receives, and lets a test wait for it. */
export class Inbox {
  readonly all: LayerMessage[] = [];
  #wake: () => void = () => {};

  readonly subscriber = (message: LayerMessage): void => {
    this.all.push(message);
    this.#wake();
  };

  /** Takes the first `count` away, when they are there; the test's own time limit bounds the wait. */
  async take(count: number): Promise<LayerMessage[]> {
    while (this.all.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.all.splice(0, count);
  }

  async next(): Promise<LayerMessage> {
    const [message] = await this.take(1);
    if (message === undefined) throw new Error("Nothing was taken");
    return message;
  }
}
