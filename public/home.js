import { startDemonstration } from "./demonstration.js";
import { recall, remember } from "./memory.js";

const form = document.querySelector("#enter");
const name = document.querySelector("#name");
const room = document.querySelector("#room");

name.value = recall("name", "");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  // White space alone is no name; the browser's own `required` takes it for one.
  for (const field of [room, name]) {
    field.value = field.value.trim();
    if (field.value === "") field.focus();
  }
  if (name.value === "" || room.value === "") return;
  remember("name", name.value);
  location.assign(roomAddress(room.value));
});

showRecent();
for (const place of document.querySelectorAll(".demonstration")) startDemonstration(place);

// A page that the browser kept while the user was in a room would still show the old list.
addEventListener("pageshow", showRecent);

function showRecent() {
  const rooms = recall("rooms", []);
  document.querySelector("#no-recent").hidden = rooms.length > 0;
  document.querySelector("#recent").replaceChildren(...rooms.map(roomLink));
}

function roomLink(text) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = roomAddress(text);
  link.textContent = text;
  item.append(link);
  return item;
}

function roomAddress(text) {
  return `/chat/${encodeURIComponent(text)}/`;
}
