import { fileURLToPath } from "node:url";
import { Python } from "../support/python.ts";
import type { LayerKind, Mill } from "./mill.ts";

/** A Python process that sends jobs, as one of Django's does. */
export class Django extends Python {
  constructor(kind: LayerKind, mill: Mill) {
    const program = fileURLToPath(new URL("python-peer.py", import.meta.url));
    super(program, [kind, mill.prefix, ...mill.servers.map(({ url }) => url)]);
  }

  /** @param message is Python's literal. */
  async send(message: string, channel = "jobs"): Promise<string | undefined> {
    return (await this.ask<{ error?: string }>({ ask: "send", channel, message })).error;
  }

  async sendMany(first: number, count: number): Promise<void> {
    await this.ask({ ask: "send_many", channel: "jobs", first, count });
  }
}
