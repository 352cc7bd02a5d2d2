import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What a Redis has done since it started. */
export interface RedisCount {
  /** Calls by name, those within scripts among them. */
  readonly calls: ReadonlyMap<string, number>;
  /** All calls together. */
  readonly commands: number;
  /** Bytes that came in. */
  readonly bytesIn: number;
  /** Bytes that went out. */
  readonly bytesOut: number;
}

/** Asks a Redis over one connection what it has done. The answer has the costs of the questions before it. */
export class RedisInfo implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<RedisInfo> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RedisInfo(socket);
  }

  async count(): Promise<RedisCount> {
    const commands = fieldsOf(await this.section("commandstats"));
    const stats = fieldsOf(await this.section("stats"));
    const calls = new Map<string, number>();
    for (const [name, value] of commands) {
      calls.set(name.replace(/^cmdstat_/, ""), Number(/calls=(\d+)/.exec(value)?.[1]));
    }
    return {
      calls,
      commands: Number(stats.get("total_commands_processed")),
      bytesIn: Number(stats.get("total_net_input_bytes")),
      bytesOut: Number(stats.get("total_net_output_bytes")),
    };
  }

  /** The text of a section. */
  async section(name: string): Promise<string> {
    this.#socket.write(`INFO ${name}\r\n`);
    let answer = Buffer.alloc(0);
    for (;;) {
      // A socket gives chunks of bytes.
      const [chunk] = (await once(this.#socket, "data")) as [Buffer];
      answer = Buffer.concat([answer, chunk]);
      const head = answer.indexOf("\r\n");
      const length = Number(answer.toString("latin1", 1, head));
      if (head !== -1 && answer.length >= head + 2 + length + 2) {
        return answer.toString("utf8", head + 2, head + 2 + length);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function fieldsOf(section: string): ReadonlyMap<string, string> {
  const lines = section.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
