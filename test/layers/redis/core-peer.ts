import { fileURLToPath } from "node:url";
import { Python } from "../../support/python.ts";

/** Options of Python's layer, by the names that they have there. */
export interface PythonLayerOptions {
  readonly hosts: readonly string[];
  readonly prefix?: string;
  readonly capacity?: number;
  readonly expiry?: number;
  readonly group_expiry?: number;
  readonly symmetric_encryption_keys?: readonly string[];
}

type Answer<Value> = { readonly value: Value } | { readonly error: string };

/** One of Python's layers. Messages are given as Python's literals; received ones come back as hashes. */
export class PythonLayer {
  readonly #python: Python;
  readonly #name: string;

  constructor(python: Python, name: string) {
    this.#python = python;
    this.#name = name;
  }

  newChannel(): Promise<string> {
    return this.#ask("new_channel");
  }

  send(channel: string, message: string): Promise<void> {
    return this.#ask("send", { channel, message });
  }

  groupSend(group: string, message: string): Promise<void> {
    return this.#ask("group_send", { group, message });
  }

  groupAdd(group: string, channel: string): Promise<void> {
    return this.#ask("group_add", { group, channel });
  }

  groupDiscard(group: string, channel: string): Promise<void> {
    return this.#ask("group_discard", { group, channel });
  }

  receive(channel: string, count = 1): Promise<readonly string[]> {
    return this.#ask("receive", { channel, count });
  }

  /** Receives, and sends on what it received. */
  bounce(channel: string, count: number, to: { readonly to: string } | { readonly group: string }): Promise<string[]> {
    return this.#ask("bounce", { channel, count, ...to });
  }

  async #ask<Value>(what: string, question: object = {}): Promise<Value> {
    const answer = await this.#python.ask<Answer<Value>>({ ask: what, layer: this.#name, ...question });
    if ("error" in answer) throw new Error(answer.error);
    return answer.value;
  }
}

/** A Python process with layers of channels_redis. */
export class PythonProcess extends Python {
  #made = 0;

  constructor() {
    super(fileURLToPath(new URL("core-peer.py", import.meta.url)));
  }

  async layer(options: PythonLayerOptions): Promise<PythonLayer> {
    const name = String(this.#made++);
    await this.ask({ ask: "layer", layer: name, options });
    return new PythonLayer(this, name);
  }
}
