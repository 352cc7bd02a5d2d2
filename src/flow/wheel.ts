/** What a {@link Wheel} calls when its time has come. */
export interface WheelItem {
  /** Where the item is on the wheel; the wheel alone writes it, and 0 means nowhere. */
  due: number;
  /** The time has come; the item is off the wheel, and may be set again. MUST NOT throw. */
  onDue(): void;
}

/** An item is called at most this part of its delay too late. */
const slack = 1 / 16;

/**
 * Keeps many deadlines with one timer, which exists only while there is something on the wheel and
 * keeps no process alive. Times are coarse: an item is never called early, and up to a sixteenth of
 * its delay late, so that the deadlines of many owners share few slots.
 */
export class Wheel {
  readonly #slots = new Map<number, Set<WheelItem>>();
  #timer: NodeJS.Timeout | undefined;
  #next = Infinity;

  /** How many items are on the wheel. */
  get size(): number {
    let size = 0;
    for (const slot of this.#slots.values()) size += slot.size;
    return size;
  }

  /** Puts an item on the wheel, or moves it. */
  set(item: WheelItem, delay: number): void {
    this.clear(item);
    const due = slotFor(performance.now() + delay, delay);
    let slot = this.#slots.get(due);
    if (slot === undefined) this.#slots.set(due, (slot = new Set()));
    slot.add(item);
    item.due = due;
    if (due < this.#next) this.#arm(due);
  }

  /** Takes an item off the wheel. It need not be on it. */
  clear(item: WheelItem): void {
    if (item.due === 0) return;
    const slot = this.#slots.get(item.due);
    slot?.delete(item);
    if (slot?.size === 0) this.#slots.delete(item.due);
    item.due = 0;
    if (this.#slots.size === 0) this.#disarm();
  }

  #turn(): void {
    this.#disarm();
    const now = performance.now();
    // Copied, because items that are called put themselves into new slots.
    for (const [due, slot] of Array.from(this.#slots)) {
      if (due <= now) this.#call(due, slot);
    }
    if (this.#timer === undefined && this.#slots.size > 0) this.#arm(Math.min(...this.#slots.keys()));
  }

  #call(due: number, slot: Set<WheelItem>): void {
    // The slot stays in place while it is emptied, so that an item can take another off the wheel.
    for (const item of slot) {
      slot.delete(item);
      item.due = 0;
      item.onDue();
    }
    this.#slots.delete(due);
  }

  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#next = due;
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, due - performance.now()));
    this.#timer.unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next = Infinity;
  }
}

function slotFor(due: number, delay: number): number {
  const width = Math.max(1, 2 ** Math.floor(Math.log2(delay * slack)));
  return Math.ceil(due / width) * width;
}

/** The wheel of this process. */
export const wheel: Wheel = new Wheel();
