import type { IncomingMessage } from "node:http";
import { agreeOnDeflate } from "./deflate-agreement.ts";
import type { Refusal } from "./refusal.ts";
import { parseSubprotocols } from "./subprotocols.ts";

/** What a valid handshake offers, or how an invalid one is refused. */
export type UpgradeCheck = { readonly subprotocols: readonly string[] } | { readonly refusal: Refusal };

const key = /^[+/0-9A-Za-z]{22}==$/;

/** Whether a request wants to become a WebSocket, and nothing else. */
export function wantsWebsocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Checks a handshake before the application hears of it, so that accepting it can't fail.
 *
 * @param compresses says whether the extensions that the client offers will be read.
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
 */
export function checkUpgrade(request: IncomingMessage, compresses: boolean): UpgradeCheck {
  const { headers, method, httpVersionMajor, httpVersionMinor } = request;
  if (method !== "GET") return refuse(405, "the method is not GET", [["allow", "GET"]]);
  if (httpVersionMajor === 1 && httpVersionMinor === 0) return refuse(400, "HTTP 1.0 has no upgrade");
  if (!wantsWebsocket(request)) return refuse(400, "the upgrade is not to websocket");
  if (headers["sec-websocket-version"] !== "13") {
    return refuse(426, "the version is not 13", [
      ["upgrade", "websocket"],
      ["sec-websocket-version", "13"],
    ]);
  }
  if (!key.test(headers["sec-websocket-key"] ?? "")) return refuse(400, "the key is missing or malformed");
  if (compresses && !isReadable(headers["sec-websocket-extensions"]))
    return refuse(400, "the extensions are malformed");
  const subprotocols = parseSubprotocols(headers["sec-websocket-protocol"]);
  return subprotocols === undefined ? refuse(400, "the subprotocols are malformed") : { subprotocols };
}

function isReadable(extensions: string | undefined): boolean {
  try {
    agreeOnDeflate(extensions);
    return true;
  } catch {
    return false;
  }
}

function refuse(status: number, reason: string, headers: NonNullable<Refusal["headers"]> = []): UpgradeCheck {
  return { refusal: { status, headers, reason } };
}
