import { closeCodes } from "../protocol/close-codes.ts";
import { MillraceError } from "../protocol/errors.ts";
import { markFrameworkClass } from "./handlers.ts";
import { jsonText } from "./json-text.ts";
import { type SendOptions, WebsocketConsumer } from "./websocket.ts";

/** Handles one WebSocket whose messages are JSON, one value a text message. */
export class JsonWebsocketConsumer<Path extends string = string> extends WebsocketConsumer<Path> {
  /** Takes a message. It comes from outside: check it before use. */
  receiveJson(_content: unknown): void | Promise<void> {}

  /** Takes a text that is no JSON. It closes the socket with 1007; the failure is the client's. */
  receiveInvalidJson(_text: string, _error: Error): void | Promise<void> {
    this.close(closeCodes.invalidPayload.code, "this consumer takes JSON");
  }

  /** Sends a value. @see WebsocketConsumer.send */
  sendJson(content: unknown, options?: SendOptions): boolean {
    return this.send(this.encodeJson(content), options);
  }

  /**
   * The text for a value. Override it for values that JSON does not know.
   *
   * @throws MillraceError `ERR_INVALID_EVENT` for `undefined`, a function or a symbol, for which JSON
   *   has no text.
   */
  encodeJson(content: unknown): string {
    const text = jsonText(content);
    if (text !== undefined) return text;
    throw new MillraceError("ERR_INVALID_EVENT", {
      happened: "JSON has no text for that",
      got: content,
      wanted: "an object, an array, a string, a number, a boolean or null",
    });
  }

  /** The value of a text; throws when it has none. */
  decodeJson(text: string): unknown {
    return JSON.parse(text);
  }

  override receive(text: string): void | Promise<void> {
    let content: unknown;
    try {
      content = this.decodeJson(text);
    } catch (error) {
      return this.receiveInvalidJson(text, error instanceof Error ? error : new Error(String(error)));
    }
    return this.receiveJson(content);
  }
}
markFrameworkClass(JsonWebsocketConsumer);
