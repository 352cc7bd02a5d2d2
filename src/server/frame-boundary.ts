const final = 0x80;
const masked = 0x80;
const firstControl = 0x8;
const close = 0x8;

/** How far the frames in a stream of bytes have come: it reads their headers, and nothing else of them. */
export class FrameBoundary {
  // What has come of a header that is not whole.
  #header: number[] = [];
  #left = 0;
  #fragmented = false;
  #closing = false;

  /** Whether the next byte is the first of a message, or of a control frame between two messages. */
  get betweenMessages(): boolean {
    return this.#left === 0 && !this.#fragmented && !this.#closing && this.#header.length === 0;
  }

  /** How many bytes are left of a frame that has begun to come, if a message may begin behind it; 0 otherwise. */
  get leftBeforeMessage(): number {
    return this.#fragmented ? 0 : this.#left;
  }

  /** Whether a close frame has come, after which nothing counts. */
  get ended(): boolean {
    return this.#closing && this.#left === 0;
  }

  /** Goes on over some bytes. */
  pass(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.ended) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
      } else {
        this.#header.push(bytes[at++] ?? 0);
        if (this.#header.length === headerLength(this.#header)) this.#enter();
      }
    }
  }

  #enter(): void {
    const [first = 0, second = 0, ...rest] = this.#header;
    const opcode = first & 0x0f;
    const lengthBytes = extendedLength(second);
    this.#header = [];
    this.#left =
      lengthBytes === 0 ? second & 0x7f : rest.slice(0, lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    if (opcode === close) this.#closing = true;
    if (opcode < firstControl) this.#fragmented = (first & final) === 0;
  }
}

/** How long a header is of which the first bytes are known; 2 when not even they are. */
function headerLength([, second]: readonly number[]): number {
  if (second === undefined) return 2;
  return 2 + extendedLength(second) + (second >= masked ? 4 : 0);
}

function extendedLength(second: number): number {
  const length = second & 0x7f;
  return length === 127 ? 8 : length === 126 ? 2 : 0;
}
