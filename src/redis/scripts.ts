import { createHash } from "node:crypto";
import { isMillraceError } from "../protocol/errors.ts";
import type { Argument } from "./connection.ts";
import { isReplyOf } from "./faults.ts";
import type { Link } from "./link.ts";

/** A script in Lua. Give it to the links that run it, so that they teach it to Redis. */
export class Script {
  readonly source: string;
  /** What Redis calls it. */
  readonly sha1: string;

  constructor(source: string) {
    this.source = source;
    this.sha1 = createHash("sha1").update(source).digest("hex");
  }

  /** Runs it; texts are answered as strings. Rejects as {@link Link.call} does. */
  run(link: Link, keys: readonly Argument[], args: readonly Argument[] = []): Promise<unknown> {
    return this.#run((command, script) => link.call(command, script, keys.length, ...keys, ...args));
  }

  /** Runs it; texts are answered as bytes. */
  runBuffer(link: Link, keys: readonly Argument[], args: readonly Argument[] = []): Promise<unknown> {
    return this.#run((command, script) => link.callBuffer(command, script, keys.length, ...keys, ...args));
  }

  async #run(send: (command: string, script: string) => Promise<unknown>): Promise<unknown> {
    try {
      return await send("EVALSHA", this.sha1);
    } catch (error) {
      // Redis does not know it, and has done nothing: it may be sent whole, once.
      if (!isMillraceError(error, "ERR_REDIS") || !isReplyOf(error.cause, "NOSCRIPT")) throw error;
      return send("EVAL", this.source);
    }
  }
}
