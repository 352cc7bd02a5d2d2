import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { wheel, type WheelItem } from "../flow/wheel.ts";
import { type Refusal, statusText } from "./refusal.ts";
import type { Session, Sessions } from "./sessions.ts";

/** The headers that say how the response is framed, which is not the application's affair. */
const framing = new Set(["connection", "content-length", "transfer-encoding", "date"]);

/** A whole HTTP response after which the connection ends. */
export function rawResponse({ status, headers = [], body = statusText(status) }: Refusal): Buffer {
  const content = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}`];
  for (const [name, value] of headers) {
    if (!framing.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
  if (!typed && typeof body === "string") lines.push("content-type: text/plain; charset=utf-8");
  lines.push(`date: ${new Date().toUTCString()}`, "connection: close", `content-length: ${content.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), content]);
}

/**
 * Sends the last bytes of a connection, and reads on until the client has ended its side as well:
 * a socket that is closed over unread bytes is reset, and the client may never see the response.
 */
export class LastWords implements Session, WheelItem {
  due = 0;
  readonly #socket: Socket;

  constructor(socket: Socket, response: Buffer, timeout: number, sessions: Sessions) {
    this.#socket = socket;
    if (socket.destroyed) return;
    sessions.add(this);
    wheel.set(this, timeout);
    socket.once("close", () => {
      wheel.clear(this);
      sessions.delete(this);
    });
    socket.on("error", () => {
      // It is followed by `close`, which is all that counts here.
    });
    socket.end(response);
    socket.resume();
  }

  get gone(): boolean {
    return this.#socket.closed;
  }

  onDue(): void {
    this.#socket.destroy();
  }

  /** The client has been told to go. */
  stop(): void {}

  cut(): void {
    this.#socket.destroy();
  }
}
