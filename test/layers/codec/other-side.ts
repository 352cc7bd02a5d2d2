import { fileURLToPath } from "node:url";
import { Python } from "../../support/python.ts";

type Serializer = "msgpack" | "json";

/** The other side of these tests: bodies are read and written by Python's own packages. */
export class OtherSide extends Python {
  constructor() {
    super(fileURLToPath(new URL("other-side.py", import.meta.url)));
  }

  /** For each body the hash of what Python reads from it, and the body that it writes of that. */
  async readBack(
    serializer: Serializer,
    bodies: readonly Buffer[],
  ): Promise<readonly { hash: string; body: Buffer }[]> {
    const question = { ask: "read_back", serializer, bodies: bodies.map(hex) };
    const answers = await this.ask<readonly { hash: string; body: string }[]>(question);
    return answers.map(({ hash, body }) => ({ hash, body: fromHex(body) }));
  }

  /** The bodies that Python writes of values, which are given as Python's literals. */
  async write(serializer: Serializer, literals: readonly string[]): Promise<readonly Buffer[]> {
    return (await this.ask<readonly string[]>({ ask: "write", serializer, literals })).map(fromHex);
  }

  /** For each body of MessagePack the hash of what Python reads from it, or null where it raises. */
  outcomes(bodies: readonly Buffer[]): Promise<readonly (string | null)[]> {
    return this.ask({ ask: "outcomes", bodies: bodies.map(hex) });
  }

  /** The frame that channels_redis makes of a message, which is given as a Python literal. */
  async serialize(literal: string, keys: readonly string[]): Promise<Buffer> {
    return fromHex(await this.ask<string>({ ask: "serialize", literal, keys }));
  }

  /** The hash of the message that channels_redis reads from a frame, or "InvalidToken". */
  deserialize(frame: Buffer, keys: readonly string[], expiry = 60): Promise<string> {
    return this.ask({ ask: "deserialize", frame: hex(frame), keys, expiry });
  }

  /** The token that Python makes at a time, in seconds. */
  async encryptAt(time: number, key: string, body: Buffer): Promise<Buffer> {
    return fromHex(await this.ask<string>({ ask: "encrypt_at", keys: [key], time, body: hex(body) }));
  }
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}

function fromHex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
