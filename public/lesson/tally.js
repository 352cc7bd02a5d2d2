const longestLog = 50;
const bytesFormat = new Intl.NumberFormat("en");

/** What one way costs, and what came by it. It counts, and shows what it counted. */
export class Tally {
  #place;
  #summary;
  #sentAt = new Map();
  #requests = 0;
  #answers = 0;
  #empty = 0;
  #bytes = 0;
  #paidOnce = 0;
  #lost = 0;
  #delays = [];
  #arrived = 0;

  constructor(place, id, source) {
    this.#place = place;
    this.#summary = document.querySelector(`[data-way="${id}"]`);
    const instrument = place.querySelector(".instrument");
    instrument.append(document.querySelector("template#instrument").content.cloneNode(true));
    const title = place.querySelector("h2").textContent.replaceAll(/\s+/g, " ").trim();
    this.#part("log").setAttribute("aria-label", `Messages by ${title}`);
    void this.#countLines(source);
  }

  state(words, name) {
    this.#part("state").textContent = words;
    this.#part("state").dataset.state = name;
  }

  request() {
    this.#requests++;
    this.#show();
  }

  bytes(number) {
    this.#bytes += number;
    this.#show();
  }

  /** Bytes that are paid once, however many messages follow. */
  paidOnce(number) {
    this.#paidOnce += number;
    this.bytes(number);
  }

  answer(empty) {
    this.#answers++;
    if (empty) this.#empty++;
    this.#show();
  }

  lost(number) {
    this.#lost += number;
    this.#show();
  }

  sent({ id }) {
    this.#sentAt.set(id, performance.now());
    this.#summary.textContent = "…";
  }

  arrived({ id, text }) {
    this.#arrived++;
    const sentAt = this.#sentAt.get(id);
    this.#sentAt.delete(id);
    const delay = sentAt === undefined ? undefined : performance.now() - sentAt;
    if (delay !== undefined) {
      this.#delays.push(delay);
      this.#summary.textContent = milliseconds(delay);
    }
    this.#write(text, delay === undefined ? "from another window" : milliseconds(delay));
    this.#show();
  }

  #show() {
    this.#part("requests").textContent = bytesFormat.format(this.#requests);
    this.#part("bytes").textContent = bytesFormat.format(this.#bytes);
    this.#part("each").textContent =
      this.#arrived === 0 ? "–" : bytesFormat.format(Math.round((this.#bytes - this.#paidOnce) / this.#arrived));
    const sum = this.#delays.reduce((one, other) => one + other, 0);
    this.#part("delay").textContent = this.#delays.length === 0 ? "–" : milliseconds(sum / this.#delays.length);
    for (const [part, number] of [
      ["empty", this.#empty],
      ["asked", this.#answers],
      ["lost", this.#lost],
    ]) {
      const place = this.#part(part);
      if (place !== null) place.textContent = number;
    }
  }

  #write(text, words) {
    const log = this.#part("log");
    const line = document.createElement("li");
    const what = document.createElement("span");
    const when = document.createElement("span");
    what.textContent = text;
    when.textContent = words;
    when.className = "delay";
    line.append(what, " ", when);
    log.append(line);
    if (log.childElementCount > longestLog) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
  }

  async #countLines(source) {
    const address = `/source/lesson/${source}`;
    this.#part("source").href = address;
    this.#part("source").textContent = source;
    const response = await fetch(address).catch(() => undefined);
    if (response?.ok !== true) return;
    const lines = (await response.text()).split("\n").map((line) => line.trim());
    this.#part("lines").textContent = lines.filter((line) => line !== "" && !/^(?:\/\/|\/\*|\*)/.test(line)).length;
  }

  #part(name) {
    return this.#place.querySelector(`[data-part="${name}"]`);
  }
}

function milliseconds(number) {
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`;
}
