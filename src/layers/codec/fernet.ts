import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { MillraceError } from "../../protocol/errors.ts";

/** A secret that senders and receivers share; text counts by its UTF-8. */
export type EncryptionKey = string | Uint8Array;

interface FernetKey {
  readonly signing: Buffer;
  readonly encryption: Buffer;
}

const version = 0x80;
const headSize = 9;
const ivSize = 16;
const blockSize = 16;
const signatureSize = 32;

/** How many seconds a sender's clock may be ahead. */
const maxClockSkew = 60;

/**
 * Encrypts and signs bodies as `cryptography.fernet` does, with the keys that channels_redis makes
 * of secrets. The first key encrypts; what any of them encrypted can be read, so that a key is
 * replaced by adding the new one behind the old everywhere, then putting it first, then taking the old one away.
 */
export class Fernet {
  readonly #first: FernetKey;
  readonly #keys: readonly FernetKey[];
  readonly #ttl: number | undefined;

  /**
   * @param ttl is for how many seconds after it was made a token can be read, and then none can
   *   that was made more than a minute in the future. Without it the time does not count.
   */
  constructor(secrets: readonly [EncryptionKey, ...EncryptionKey[]], ttl?: number) {
    this.#first = deriveKey(secrets[0]);
    this.#keys = [this.#first, ...secrets.slice(1).map(deriveKey)];
    this.#ttl = ttl;
  }

  /** A token, in the letters of base64url, with its padding. */
  encrypt(body: Uint8Array, time: number = now(), iv: Uint8Array = randomBytes(ivSize)): Buffer {
    const { signing, encryption } = this.#first;
    const head = Buffer.alloc(headSize);
    head[0] = version;
    head.writeBigUInt64BE(BigInt(time), 1);
    const cipher = createCipheriv("aes-128-cbc", encryption, iv);
    const signed = Buffer.concat([head, iv, cipher.update(body), cipher.final()]);
    const token = Buffer.concat([signed, sign(signing, signed)]).toString("base64url");
    return Buffer.from(token.padEnd(4 * Math.ceil(token.length / 4), "="), "latin1");
  }

  /** @throws MillraceError `ERR_INVALID_MESSAGE`, which shows neither keys nor content. */
  decrypt(token: Buffer): Buffer {
    const data = unwrap(token);
    const signed = data.subarray(0, -signatureSize);
    const signature = data.subarray(-signatureSize);
    const key = this.#keys.find(({ signing }) => timingSafeEqual(sign(signing, signed), signature));
    if (key === undefined) {
      throw undecryptable("none of the keys has signed it", "Give this process the sender's keys as well");
    }
    this.#checkTime(Number(data.readBigUInt64BE(1)));
    const decipher = createDecipheriv("aes-128-cbc", key.encryption, data.subarray(headSize, headSize + ivSize));
    try {
      return Buffer.concat([decipher.update(signed.subarray(headSize + ivSize)), decipher.final()]);
    } catch (cause) {
      throw undecryptable("its padding is wrong", "Look for a sender that makes tokens by itself", cause);
    }
  }

  #checkTime(made: number): void {
    if (this.#ttl === undefined) return;
    const age = now() - made;
    const remedy = "Set the clocks of senders and receivers by one time";
    if (age > this.#ttl) throw undecryptable(`it is ${age} s old, and counts for ${this.#ttl} s`, remedy);
    if (age < -maxClockSkew) throw undecryptable(`it was made ${-age} s in the future`, remedy);
  }
}

function deriveKey(secret: EncryptionKey): FernetKey {
  const hash = createHash("sha256").update(secret).digest();
  return { signing: hash.subarray(0, 16), encryption: hash.subarray(16) };
}

function sign(key: Buffer, signed: Buffer): Buffer {
  return createHmac("sha256", key).update(signed).digest();
}

/** The data of a token, which has all its parts and whole blocks. */
function unwrap(token: Buffer): Buffer {
  const text = token.toString("latin1");
  const isBase64 = text.length % 4 === 0 && /^[\w-]*={0,2}$/.test(text);
  const data = Buffer.from(isBase64 ? text : "", "base64url");
  const encrypted = data.length - headSize - ivSize - signatureSize;
  if (data[0] === version && encrypted >= blockSize && encrypted % blockSize === 0) return data;
  throw undecryptable("it is no Fernet token", "The sender must have keys too, and the same prefix length");
}

function undecryptable(reason: string, remedy: string, cause?: unknown): MillraceError {
  return new MillraceError("ERR_INVALID_MESSAGE", {
    happened: `A message was received that can't be decrypted: ${reason}`,
    remedy,
    ...(cause === undefined ? {} : { cause }),
  });
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
