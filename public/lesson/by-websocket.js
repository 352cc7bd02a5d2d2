import { ReconnectingSocket, socketUrl } from "../socket.js";
import { byteLength, lastHead } from "./request.js";

/** What a handshake has beyond a poll's head, and its answer: about as much in every browser. */
const upgrade = 400;

/** One socket, both ways. Subclasses say where it leads. */
class ByWebsocket {
  tally;
  #socket;
  #running = false;
  #unsent = [];

  constructor(tally) {
    this.tally = tally;
  }

  start() {
    this.#running = true;
    void this.#open();
  }

  stop() {
    this.#running = false;
    this.#socket?.close();
    this.#socket = undefined;
    this.tally.state("Stopped", "closed");
  }

  send(message) {
    const text = JSON.stringify(message);
    if (this.#socket?.send(text) === true) this.tally.bytes(frameLength(text) + 4);
    else this.#unsent.push(message);
  }

  async #open() {
    const url = await this.address();
    // It may have been stopped meanwhile, and started again.
    if (url === undefined || !this.#running || this.#socket !== undefined) return;
    const socket = new ReconnectingSocket(url);
    this.#socket = socket;
    socket.addEventListener("state", () => this.#show(socket));
    socket.addEventListener("message", ({ detail }) => this.#take(detail));
    socket.connect();
  }

  #take(text) {
    this.tally.bytes(frameLength(text));
    const message = readMessage(text);
    if (message !== undefined) this.tally.arrived(message);
  }

  #show(socket) {
    const { state, seconds } = socket;
    if (state === "connecting") this.tally.state("Connecting", state);
    if (state === "waiting") this.tally.state(`Lost, trying again in ${seconds} s`, state);
    if (state === "closed") this.tally.state("Closed", state);
    if (state !== "open") return;
    this.tally.request();
    this.tally.paidOnce(lastHead + upgrade);
    this.tally.state("Connected", state);
    for (const message of this.#unsent.splice(0)) this.send(message);
  }
}

/** The program beside the application, on a port of its own. */
export class ByHand extends ByWebsocket {
  async address() {
    const response = await fetch("/lesson/by-hand/").catch(() => undefined);
    const status = response?.ok === true ? await response.json() : { problem: "The server does not answer." };
    if (status.port !== undefined) return `ws://${location.hostname}:${status.port}/`;
    this.tally.state(status.problem, "waiting");
    return undefined;
  }
}

export class WithAConsumer extends ByWebsocket {
  address() {
    return socketUrl("/ws/lesson/");
  }
}

/** The bytes of a frame from a server; a client's has a mask of 4 more. */
function frameLength(text) {
  const length = byteLength(text);
  return length + (length <= 125 ? 2 : length <= 65_535 ? 4 : 10);
}

/** Others may send by these sockets whatever they like. */
function readMessage(text) {
  try {
    const { id, text: words } = JSON.parse(text);
    return typeof id === "string" && typeof words === "string" ? { id, text: words } : undefined;
  } catch {
    return undefined;
  }
}
