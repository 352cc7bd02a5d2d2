/**
 * Notices that a connection owes an answer and has sent nothing for too long. What arrived while
 * this process itself stood still counts as sent, although it was not read: a timer that is overdue
 * is called before the sockets are looked at.
 */
export class Silence {
  readonly #timeout: number;
  readonly #onSilent: () => void;
  #owed = 0;
  #since = 0;
  // One that runs out for nothing costs less than one for each command.
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  readonly #answered = (): void => void this.#owed--;

  /** @param timeout is how long the connection may be silent, in milliseconds. */
  constructor(timeout: number, onSilent: () => void) {
    this.#timeout = timeout;
    this.#onSilent = onSilent;
  }

  /** An answer is owed until it has come. */
  owe<T>(answer: Promise<T>): Promise<T> {
    if (this.#owed++ === 0) this.#since = performance.now();
    if (this.#timer === undefined && !this.#ended) this.#wait(this.#timeout);
    answer.then(this.#answered, this.#answered);
    return answer;
  }

  /** The connection has sent something. */
  heard(): void {
    this.#since = performance.now();
  }

  /** Watches no longer. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref();
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#owed === 0) return;
    const left = this.#left();
    if (left > 0) return this.#wait(left);
    setImmediate(() => {
      if (this.#ended || this.#timer !== undefined || this.#owed === 0) return;
      const still = this.#left();
      if (still > 0) this.#wait(still);
      else this.#onSilent();
    });
  }

  /** In how many milliseconds it has been silent for too long. */
  #left(): number {
    return this.#since + this.#timeout - performance.now();
  }
}
