import { randomId } from "../random-id.js";
import { request, wait } from "./request.js";

const address = "/lesson/long-polling/";
const pauseAfterFailure = 2000;

/** Asks, waits for as long as the server holds the question, and asks again. */
export class LongPolling {
  tally;
  #user = randomId();
  #stop;

  constructor(tally) {
    this.tally = tally;
  }

  start() {
    this.#stop = new AbortController();
    void this.#ask(this.#stop.signal);
  }

  stop() {
    this.#stop.abort();
    this.tally.state("Stopped", "closed");
  }

  send(content) {
    request(this.tally, "POST", address, { content }).catch(() => this.tally.state("Not sent: no answer", "waiting"));
  }

  async #ask(signal) {
    let after = "";
    while (!signal.aborted) {
      try {
        // The first question is answered at once, and makes the queue.
        const batch = await request(this.tally, "GET", `${address}?user=${this.#user}&after=${after}`, { signal });
        after = batch.last;
        this.tally.answer(batch.messages.length === 0);
        this.tally.lost(batch.lost);
        for (const message of batch.messages) this.tally.arrived(message);
        this.tally.state("A question is held open", "open");
      } catch {
        if (signal.aborted) return;
        this.tally.state("No answer", "waiting");
        await wait(pauseAfterFailure, signal);
      }
    }
  }
}
