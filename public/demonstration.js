import { socketUrl } from "./socket.js";

/** One client of one consumer: a button that starts it, what came, and a line to send. */
export function startDemonstration(place) {
  place.append(document.querySelector("template#demonstration").content.cloneNode(true));
  const part = (name) => place.querySelector(`[data-part="${name}"]`);
  const [label, state, start, log, text, send] = ["label", "state", "start", "log", "text", "send"].map(part);
  let socket;

  label.textContent = place.dataset.label;
  log.setAttribute("aria-label", `Messages of ${place.dataset.label}`);
  text.setAttribute("aria-label", `Message for ${place.dataset.label}`);
  start.addEventListener("click", () => (socket === undefined ? open() : socket.close()));
  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value === "" || socket?.readyState !== WebSocket.OPEN) return;
    write("sent", text.value);
    socket.send(text.value);
    text.value = "";
  });

  function open() {
    show("Connecting", "connecting");
    start.firstChild.data = "Stop ";
    start.lastElementChild.hidden = true;
    socket = new WebSocket(socketUrl(place.dataset.path));
    socket.onopen = () => {
      show("Connected", "open");
      text.disabled = send.disabled = false;
      text.focus();
    };
    socket.onmessage = ({ data }) => write("received", data);
    socket.onclose = ({ wasClean }) => {
      socket = undefined;
      show(wasClean ? "Closed" : "Connection lost", wasClean ? "closed" : "waiting");
      start.firstChild.data = "Start ";
      start.lastElementChild.hidden = false;
      text.disabled = send.disabled = true;
    };
  }

  function show(words, name) {
    state.textContent = words;
    state.dataset.state = name;
  }

  function write(direction, words) {
    const line = document.createElement("li");
    line.className = direction;
    line.textContent = words;
    log.append(line);
    if (log.childElementCount > 100) log.firstElementChild.remove();
    log.scrollTop = log.scrollHeight;
  }
}
