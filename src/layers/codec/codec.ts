import { constants } from "node:buffer";
import { types } from "node:util";
import { MillraceError } from "../../protocol/errors.ts";
import type { LayerMessage, LayerValue } from "../../protocol/message.ts";
import { checkMessageSize } from "./message-size.ts";
import { type Address, addressKey } from "./address.ts";
import { type EncryptionKey, Fernet } from "./fernet.ts";
import { fillPrefix, stripPrefix } from "./framing.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { decodeMsgpack } from "./msgpack-decode.ts";
import { MsgpackEncoder } from "./msgpack-encode.ts";
import { unreadable } from "./received.ts";

/** How messages are written down. */
export type SerializerName = "msgpack" | "json";

/** All senders and receivers of a layer, Python's too, must agree on these. */
export interface CodecOptions {
  /** `"json"` carries no bytes. @default "msgpack" */
  readonly serializer?: SerializerName | undefined;
  /** How many random bytes come before each body. Python's core layer has 12, its pub/sub layer none. @default 0 */
  readonly randomPrefixLength?: number | undefined;
  /** The first encrypts, all decrypt. An empty list means that nothing is encrypted. @default [] */
  readonly symmetricEncryptionKeys?: readonly EncryptionKey[] | undefined;
  /**
   * For how many seconds an encrypted message can be read. Python's core layer has ten more than
   * its expiry; its pub/sub layer does not look at the time. @default undefined
   */
  readonly ttl?: number | undefined;
  /** How many bytes a message that is received may have, as MessagePack. @default Infinity */
  readonly maxMessageSize?: number | undefined;
}

/** A message as it was received. */
export interface Envelope {
  /** Frozen to its depths, and without the address. */
  readonly message: LayerMessage;
  /** The channel or channels that a sender of the core layer named in `__asgi_channel__`. */
  readonly address: Address | undefined;
}

/** Writes messages for Redis and reads them, as channels_redis does. */
export interface Codec {
  /**
   * @param message was sealed by `sealMessage`.
   * @param address is sent as `__asgi_channel__`.
   * @throws MillraceError `ERR_INVALID_MESSAGE` when the serializer is JSON and there are bytes.
   */
  encode(message: LayerMessage, address?: Address): Buffer;
  /** @throws MillraceError `ERR_INVALID_MESSAGE` or `ERR_MESSAGE_TOO_LARGE`, and nothing else, whatever the bytes are. */
  decode(frame: Buffer): Envelope;
}

interface Serializer {
  readonly encode: (message: LayerMessage, address: Address | undefined, headroom: number) => Buffer;
  readonly decode: (body: Buffer) => LayerValue;
}

const receivedMessage = "A message that was received";

/** @throws MillraceError `ERR_INVALID_OPTION`. */
export function createCodec(options: CodecOptions = {}): Codec {
  const { encode, decode } = serializerOf(options.serializer ?? "msgpack");
  const prefixLength = prefixLengthOf(options.randomPrefixLength ?? 0);
  const fernet = fernetOf(options.symmetricEncryptionKeys ?? [], options.ttl);
  const { maxMessageSize = Infinity } = options;
  return {
    encode(message, address) {
      const frame =
        fernet === undefined
          ? encode(message, address, prefixLength)
          : withHeadroom(fernet.encrypt(encode(message, address, 0)), prefixLength);
      fillPrefix(frame, prefixLength);
      return frame;
    },
    decode(frame) {
      // Node would refuse it with an error of its own.
      if (frame.length > constants.MAX_STRING_LENGTH) throw unreadable("more bytes than text can have");
      const body = stripPrefix(frame, prefixLength);
      const written = fernet === undefined ? body : fernet.decrypt(body);
      const envelope = openEnvelope(decode(written));
      // Most are too small to be measured: MessagePack has at most three bytes for one of JSON.
      if (3 * written.length > maxMessageSize) checkMessageSize(envelope.message, maxMessageSize, receivedMessage);
      return envelope;
    },
  };
}

function withHeadroom(body: Buffer, headroom: number): Buffer {
  return headroom === 0 ? body : Buffer.concat([Buffer.allocUnsafe(headroom), body]);
}

function openEnvelope(value: LayerValue): Envelope {
  if (!isMap(value)) throw unreadable("no map");
  const { type } = value;
  if (typeof type !== "string" || type === "") throw unreadable("a map without a type");
  // Its type is text, so it is a message.
  if (!Object.hasOwn(value, addressKey)) return { message: value as LayerMessage, address: undefined };
  const { [addressKey]: address, ...message } = value;
  if (!isAddress(address)) throw unreadable(`${addressKey} that names no channels`);
  return { message: Object.freeze(message) as LayerMessage, address };
}

function isMap(value: LayerValue): value is Readonly<Record<string, LayerValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function isAddress(value: LayerValue): value is Address {
  return typeof value === "string" || (Array.isArray(value) && value.every((name) => typeof name === "string"));
}

function serializerOf(name: SerializerName): Serializer {
  // Those who write JavaScript may give anything.
  switch (name as unknown) {
    case "msgpack": {
      const encoder = new MsgpackEncoder();
      return { encode: (...message) => encoder.encode(...message), decode: decodeMsgpack };
    }
    case "json":
      return { encode: encodeJson, decode: decodeJson };
    default:
      throw invalid("serializer names none", '"msgpack" or "json"', name);
  }
}

/** The most random bytes that anybody could want, far more than keep messages apart. */
const maxPrefixLength = 1024;

function prefixLengthOf(length: unknown): number {
  if (typeof length === "number" && Number.isInteger(length) && length <= maxPrefixLength) return Math.max(0, length);
  throw invalid("randomPrefixLength is no length", `an integer of at most ${maxPrefixLength}; 0 for none`, length);
}

function fernetOf(keys: unknown, ttl: number | undefined): Fernet | undefined {
  // The keys are never shown.
  if (!Array.isArray(keys)) throw invalid("symmetricEncryptionKeys is no list", "a list, even of one key");
  if (!keys.every(isKey)) throw invalid("A key can't be used", "a string or Uint8Array that is not empty");
  const [first, ...others] = keys;
  return first === undefined ? undefined : new Fernet([first, ...others], ttl);
}

function isKey(key: unknown): key is EncryptionKey {
  return (typeof key === "string" || types.isUint8Array(key)) && key.length > 0;
}

function invalid(happened: string, wanted: string, ...got: readonly unknown[]): MillraceError {
  return new MillraceError("ERR_INVALID_OPTION", { happened, wanted, ...(got.length === 0 ? {} : { got: got[0] }) });
}
