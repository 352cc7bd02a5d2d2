import type { Writable } from "node:stream";
import type { DropReason } from "../protocol/diagnostics.ts";
import { Backlog } from "./backlog.ts";
import { FrameList, merged } from "./frame-list.ts";
import type { OutboundOptions } from "./options.ts";
import { atTurnEnd, type TurnTask } from "./turn.ts";

/** Who hears of what an outbound queue can't do. */
export interface OutboundOwner {
  /** Whether frames may still be written. */
  readonly writable: boolean;
  /** Messages were dropped. */
  dropped(reason: DropReason, messages: number): void;
  /** The queue is full, and its policy is to close the socket. */
  overflowed(): void;
}

/**
 * The frames on their way to one socket. What a turn of the event loop sends is written at its end,
 * in one write. While the socket is behind, frames wait here until it has drained; a frame with a
 * key then takes the place of one with the same key.
 *
 * The queue is bounded in messages (those that wait here) and in bytes (with what the socket holds);
 * a message alone is taken whatever its size. When it is full its policy decides, and every message
 * that is dropped is told to the owner.
 */
export class Outbound implements TurnTask {
  readonly #socket: Writable;
  readonly #limits: Required<OutboundOptions>;
  readonly #owner: OutboundOwner;
  // Of this turn. While the socket is behind, there are none, and the backlog has them all.
  #frames = FrameList.empty;
  #backlog: Backlog | undefined;
  // What the socket held when the turn's first frame came; while it is behind, when the last did.
  #held = 0;
  #scheduled = false;
  #behind = false;
  #sealed = false;
  #drained: Promise<void> | undefined;
  #resolveDrained: (() => void) | undefined;
  // Made when the socket is behind for the first time: most never are.
  #onDrain: (() => void) | undefined;

  constructor(socket: Writable, limits: Required<OutboundOptions>, owner: OutboundOwner) {
    this.#socket = socket;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** The bytes that wait, here and in the socket. */
  get bufferedAmount(): number {
    return this.#frames.bytes + (this.#backlog?.bytes ?? 0) + this.#socket.writableLength;
  }

  /** Takes a frame. `false` says that the socket is behind or closed. */
  send(frame: Buffer, key?: string): boolean {
    if (this.#sealed || (!this.#scheduled && !this.#begin())) return this.#drop();
    if (this.#behind) return this.#wait(frame, key);
    if (!this.#hasRoom(frame)) {
      this.flush();
      // What can't be written any more waits to be told as dropped, and makes no room.
      if (this.#frames.length > 0) return this.#drop();
      this.#held = this.#socket.writableLength;
      if (this.#behind || !this.#hasRoom(frame)) return this.#wait(frame, key);
    }
    this.#frames = this.#frames.with(frame);
    return true;
  }

  /** Settles when the socket is not behind, or closed. */
  drained(): Promise<void> {
    if (!this.#behind || this.#sealed) return Promise.resolve();
    this.#drained ??= new Promise((resolve) => (this.#resolveDrained = resolve));
    return this.#drained;
  }

  onTurnEnd(): void {
    this.#scheduled = false;
    this.flush();
  }

  /** Writes what waits, unless the socket is behind. */
  flush(): void {
    if (this.#behind || this.#sealed || this.#waiting === 0 || !this.#owner.writable) return;
    this.#write();
    this.#lookBehind();
  }

  /** Writes all that waits, behind or not, and takes no more: a close frame follows. */
  seal(): void {
    if (this.#sealed) return;
    if (this.#waiting > 0 && this.#owner.writable) this.#write();
    this.end();
  }

  /** The socket is gone, or about to go: what still waits is dropped. */
  end(): void {
    const left = this.#waiting;
    this.#sealed = true;
    this.#frames = FrameList.empty;
    this.#backlog = undefined;
    if (this.#onDrain !== undefined) this.#socket.off("drain", this.#onDrain);
    this.#tellDrained();
    if (left > 0) this.#owner.dropped("closed", left);
  }

  /** How many messages wait here. */
  get #waiting(): number {
    return this.#frames.length + (this.#backlog?.length ?? 0);
  }

  /** A frame has come, the first in this turn or while the socket is behind. `false` says that it is closed. */
  #begin(): boolean {
    if (!this.#owner.writable) return false;
    if (this.#behind) return true;
    this.#held = this.#socket.writableLength;
    this.#scheduled = true;
    atTurnEnd(this);
    return true;
  }

  /** A frame has come too late. Returns what `send` does. */
  #drop(): false {
    this.#owner.dropped("closed", 1);
    return false;
  }

  #hasRoom(frame: Buffer, replaced?: number): boolean {
    const buffered = this.#held + this.#frames.bytes + (this.#backlog?.bytes ?? 0);
    if (buffered === 0) return true;
    const { maxMessages, maxBytes } = this.#limits;
    const messages = replaced === undefined ? this.#waiting : this.#waiting - 1;
    return messages < maxMessages && buffered - (replaced ?? 0) + frame.length <= maxBytes;
  }

  /** Puts a frame behind those that wait, if there is room or can be made. Returns what `send` does. */
  #wait(frame: Buffer, key: string | undefined): false {
    const { whenFull, maxBytes } = this.#limits;
    const hasRoom = (): boolean => this.#hasRoom(frame, this.#backlog?.sizeAt(key));
    this.#held = this.#socket.writableLength;
    const fits = this.#held + frame.length <= maxBytes;
    let dropped = 0;
    while (whenFull === "dropOldest" && fits && !hasRoom()) {
      this.#backlog?.shift();
      dropped++;
    }
    const taken = hasRoom();
    if (dropped > 0 || !taken) this.#owner.dropped("full", taken ? dropped : dropped + 1);
    if (taken && (this.#backlog ??= new Backlog()).push(frame, key)) this.#owner.dropped("replaced", 1);
    if (!taken && whenFull === "close") this.#owner.overflowed();
    return false;
  }

  #write(): void {
    const bytes = this.#backlog?.bytes ?? 0;
    const chunks = this.#backlog === undefined ? this.#frames.chunks : merged(this.#backlog.take(), bytes);
    this.#frames = FrameList.empty;
    this.#backlog = undefined;
    if (chunks.length > 1) this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    if (chunks.length > 1) this.#socket.uncork();
  }

  /** Node promises a `drain` only to those whose write went over the high-water mark. */
  #lookBehind(): void {
    if (this.#socket.writableLength < this.#socket.writableHighWaterMark) return;
    this.#behind = true;
    this.#onDrain ??= () => this.#drain();
    this.#socket.once("drain", this.#onDrain);
  }

  #drain(): void {
    this.#behind = false;
    this.flush();
    if (!this.#behind) this.#tellDrained();
  }

  #tellDrained(): void {
    this.#resolveDrained?.();
    this.#drained = undefined;
    this.#resolveDrained = undefined;
  }
}
