// A WebSocket that comes back when it was lost.

/** The longest wait before the first attempt doubles with each that fails, up to the last of them. */
const firstWait = 1000;
const longestWait = 30_000;
/** A socket that lived for so long has worked: the next loss begins at the first wait again. */
const worked = 5000;
/** For how long a handshake may take. */
const handshakeLimit = 10_000;

/** Close codes that mean that coming back would end the same way. */
const final = new Set([1000, 1002, 1003, 1007, 1009]);

/**
 * Dispatches `state` when its `state` or `seconds` has changed, and `message` with the text in
 * `detail`. The states:
 *
 * - `connecting`
 * - `open`
 * - `waiting`: it was lost, and is tried again in `seconds`
 * - `closed`: for good, or until `connect()`
 */
export class ReconnectingSocket extends EventTarget {
  state = "closed";
  seconds = 0;
  /** Why it was closed, in the server's words. */
  reason = "";
  #url;
  #socket;
  #attempts = 0;
  #timer;

  constructor(url) {
    super();
    this.#url = url;
    // Back from sleep or from a tunnel: don't wait for the rest of the time.
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  connect() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    const socket = new WebSocket(this.#url);
    const deadline = setTimeout(() => socket.close(), handshakeLimit);
    let openedAt = Infinity;
    this.#socket = socket;
    socket.onopen = () => {
      clearTimeout(deadline);
      if (socket !== this.#socket) return;
      openedAt = performance.now();
      this.#become("open");
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.dispatchEvent(new CustomEvent("message", { detail: data }));
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(deadline);
      if (socket !== this.#socket) return;
      if (performance.now() - openedAt > worked) this.#attempts = 0;
      this.#lost(code, reason);
    };
    this.#become("connecting");
  }

  /** Sends a text, if the socket is open; tells whether it was. */
  send(text) {
    if (this.state !== "open") return false;
    this.#socket.send(text);
    return true;
  }

  /** Closes it, and does not come back. */
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#become("closed");
  }

  #lost(code, reason) {
    this.#socket = undefined;
    this.reason = reason;
    if (final.has(code)) return this.#become("closed");
    // Full jitter: a thousand pages that lost one server must not come back at one moment.
    const wait = Math.random() * Math.min(longestWait, firstWait * 2 ** this.#attempts++);
    this.#countDown(performance.now() + wait);
  }

  #countDown(until) {
    const left = until - performance.now();
    if (left <= 0) return this.connect();
    this.#timer = setTimeout(() => this.#countDown(until), Math.min(left, 1000));
    this.#become("waiting", Math.ceil(left / 1000));
  }

  #hurry() {
    if (this.state === "waiting") this.connect();
  }

  #become(state, seconds = 0) {
    if (this.state === state && this.seconds === seconds) return;
    this.state = state;
    this.seconds = seconds;
    this.dispatchEvent(new Event("state"));
  }
}

/** The address of a WebSocket on this page's own server. */
export function socketUrl(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}
