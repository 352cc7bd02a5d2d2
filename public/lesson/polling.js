import { request, wait } from "./request.js";

const address = "/lesson/polling/";
const pause = 1000;

/** Asks every second, whether there is something new or not. */
export class Polling {
  tally;
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
        const batch = await request(this.tally, "GET", `${address}?after=${after}`, { signal });
        after = batch.last;
        this.tally.answer(batch.messages.length === 0);
        for (const message of batch.messages) this.tally.arrived(message);
        this.tally.state("Asking every second", "open");
      } catch {
        if (!signal.aborted) this.tally.state("No answer", "waiting");
      }
      await wait(pause, signal);
    }
  }
}
