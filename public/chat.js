import { ChatLog } from "./chat-log.js";
import { People } from "./chat-people.js";
import { recall, remember, rememberRoom } from "./memory.js";
import { randomId } from "./random-id.js";
import { ReconnectingSocket, socketUrl } from "./socket.js";

const longest = 2000;
const element = (id) => document.querySelector(`#${id}`);
const segment = location.pathname.split("/")[2];
const room = decodeRoom(segment);
const text = element("text");
const socket = new ReconnectingSocket(socketUrl(`/ws/chat/${segment}/`));
const log = new ChatLog(element("log"), element("pending"), element("scroller"), element("newer"));
const people = new People(element("people"), element("people-count"));

/** What was sent and has not come back. It is sent again after each reconnection, under the same id. */
let pending = recall(`pending ${room}`, [], "sessionStorage");
let name = recall("name", "");
/** Whether this socket has been let in under a name. */
let inside = false;
let cameBefore = false;

document.title = `${room} · Millrace`;
element("room").textContent = room;
element("people-details").open = matchMedia("(min-width: 60rem)").matches;
text.value = recall(`draft ${room}`, "", "sessionStorage");
rememberRoom(room);
showPending();
measure();

socket.addEventListener("state", () => {
  inside = false;
  if (socket.state === "open") join();
  else people.clear();
  showState();
});
socket.addEventListener("message", ({ detail }) => take(JSON.parse(detail)));
element("status").addEventListener("click", ({ target }) => target.matches("button") && socket.connect());
element("rename").addEventListener("click", askName);
element("naming").addEventListener("close", () => useName(element("name").value.trim()));
element("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});
text.addEventListener("input", measure);
text.addEventListener("keydown", (event) => {
  // While a word is being composed (in Chinese, for one), Enter belongs to the word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});

socket.connect();
if (name === "") askName();
else text.focus();

function take(message) {
  switch (message.type) {
    case "welcome":
      inside = true;
      people.welcome(message.person);
      log.notice(welcome(message.person.name), message.at);
      cameBefore = true;
      for (const { id, words } of pending) socket.send(JSON.stringify({ type: "say", id, text: words }));
      showState();
      break;
    case "here":
      people.here(message.person);
      break;
    case "joined":
      people.joined(message.person);
      log.notice(`${message.person.name} came in`, message.at);
      break;
    case "left":
      people.left(message.person);
      log.notice(`${message.person.name} left`, message.at);
      break;
    case "renamed":
      people.joined(message.person);
      log.notice(`${message.before} is now ${message.person.name}`, message.at);
      break;
    case "said":
      log.said(message, settle(message.id) !== undefined);
      break;
    case "error":
      refused(message);
      break;
  }
  element("nothing").hidden = !log.empty;
}

function welcome(as) {
  return cameBefore ? `You are in again as ${as}; what was said in between is missing here` : `You are in as ${as}`;
}

function join() {
  if (name !== "") socket.send(JSON.stringify({ type: "join", name }));
}

function say() {
  const words = text.value;
  if (words.trim() === "" || charactersLeft() < 0) return;
  if (name === "") {
    askName();
    return;
  }
  const message = { id: randomId(), words };
  pending.push(message);
  keepPending();
  if (inside) socket.send(JSON.stringify({ type: "say", id: message.id, text: words }));
  element("problem").textContent = "";
  text.value = "";
  measure();
  log.toEnd();
}

/** What was sent has come back, or was refused: it is not pending any more. */
function settle(id) {
  const message = pending.find((each) => each.id === id);
  pending = pending.filter((each) => each !== message);
  if (message !== undefined) keepPending();
  return message;
}

function refused({ problem, id }) {
  const message = settle(id);
  element("problem").textContent = problem;
  if (message === undefined) return;
  // Back to where it can be mended, ahead of what was typed meanwhile.
  text.value = [message.words, text.value].filter((words) => words !== "").join("\n");
  measure();
}

function keepPending() {
  remember(`pending ${room}`, pending, "sessionStorage");
  showPending();
}

function showPending() {
  log.pending(pending, socket.state === "open" ? "Sending" : "Goes out when the connection is back");
}

function showState() {
  const status = element("status");
  status.dataset.state = socket.state;
  if (socket.state === "connecting") status.textContent = "Connecting";
  if (socket.state === "open") status.textContent = "Connected";
  if (socket.state === "waiting") {
    const countdown = document.createElement("span");
    // A reader of the screen is told once, not every second.
    countdown.setAttribute("aria-live", "off");
    countdown.textContent = `${socket.seconds} s`;
    status.replaceChildren("Connection lost, trying again in ", countdown);
  }
  if (socket.state === "closed") {
    const again = document.createElement("button");
    again.className = "small";
    again.textContent = "Try again";
    status.replaceChildren(`Closed by the server${socket.reason && `: ${socket.reason}`} `, again);
  }
  showPending();
}

function measure() {
  remember(`draft ${room}`, text.value, "sessionStorage");
  const left = charactersLeft();
  element("left").textContent =
    left > 200 ? "" : left >= 0 ? `${left} characters left` : `${-left} characters too many`;
  element("send").disabled = left < 0;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function charactersLeft() {
  return longest - Array.from(text.value).length;
}

function askName() {
  element("name").value = name;
  element("naming").showModal();
  element("name").select();
}

function useName(chosen) {
  element("problem").textContent = chosen === "" && name === "" ? "You need a name to come in." : "";
  if (chosen === "" || chosen === name) return;
  name = chosen;
  remember("name", name);
  if (socket.state === "open") join();
  text.focus();
}

function decodeRoom(encoded) {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
